// The contract's small values, written as people write them.
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { DateRangeSchema } from './contract/helhed/common/v1/date_range_pb.js';
import type { Money, MoneySchema } from './contract/helhed/common/v1/money_pb.js';
import type { EvidenceSchema } from './contract/helhed/funding/v1/evidence_pb.js';
import type { VoucherSchema } from './contract/helhed/funding/v1/source_pb.js';
import type { DateSchema } from './contract/google/type/date_pb.js';

export type Day = string; // `2022-01-01`

export function date(day: Day): MessageInitShape<typeof DateSchema> {
  const [year, month, dayOfMonth] = day.split('-').map(Number);
  return { year, month, day: dayOfMonth };
}

export function range(start: Day, end?: Day): MessageInitShape<typeof DateRangeSchema> {
  return end ? { startDate: date(start), endDate: date(end) } : { startDate: date(start) };
}

export function addDays(day: Day, days: number): Day {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

// By its parts: how a locale writes a day differs between the releases of ICU that Node comes with.
export function today(): Day {
  const parts = new Intl.DateTimeFormat('en', {
    timeZone: 'Europe/Copenhagen', year: 'numeric', month: '2-digit', day: '2-digit',
  }).formatToParts(new Date());
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((one) => one.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')}`;
}

export const orePerKrone = 100n;

export function kroner(amount: number): MessageInitShape<typeof MoneySchema> {
  return { currencyCode: 'DKK', minorUnits: BigInt(amount) * orePerKrone };
}

export function ore(money: Money | undefined): bigint {
  return money?.minorUnits ?? 0n;
}

export function evidence(reference: string) {
  return { reference, sha256: 'a'.repeat(64) } satisfies MessageInitShape<typeof EvidenceSchema>;
}

export function voucher(reference: string): MessageInitShape<typeof VoucherSchema> {
  return { reference, sha256: 'b'.repeat(64) };
}

export function sum(amounts: Iterable<number>): number {
  let total = 0;
  for (const amount of amounts) total += amount;
  return total;
}

export function total(amounts: Iterable<bigint>): bigint {
  let found = 0n;
  for (const amount of amounts) found += amount;
  return found;
}

// `4,135`
export function count(value: number | bigint): string {
  return value.toLocaleString('en-US');
}

// `31,000,000.00 kr`
export function inKroner(amount: bigint): string {
  return `${count(amount / orePerKrone)}.${String(amount % orePerKrone).padStart(2, '0')} kr`;
}
