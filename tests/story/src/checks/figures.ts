// Comparing figures, and counting how many were compared.
import assert from 'node:assert/strict';

export class Figures {
  count = 0;

  equal<Value>(found: Value, expected: Value, what: string): void {
    ++this.count;
    assert.deepEqual(found, expected, `${what}: ${text(found)} instead of ${text(expected)}`);
  }
}

function text(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
}
