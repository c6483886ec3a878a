// Progress, a line for each scene: what, what came of it, how long it took.
import type { Narrator } from './story.js';

const width = 62;

export function narrator(): Narrator {
  return async (scene, act) => {
    const begin = performance.now();
    process.stdout.write(scene.padEnd(width));
    const [result, told] = await act();
    process.stdout.write(` ${((performance.now() - begin) / 1000).toFixed(1).padStart(5)} s  ${told}\n`);
    return result;
  };
}
