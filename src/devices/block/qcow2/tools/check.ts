/** Checks an image for people and for programs, and repairs it if asked. */
import { UsageError } from '../../../../base/errors.ts';
import { HostFile } from '../../host-file.ts';
import { probe } from '../../image.ts';
import { type CheckResult, checkImage, type Repair } from '../check.ts';
import { ImageBytes } from '../image-bytes.ts';
import { readHeader } from '../open.ts';

export interface ImageCheck extends CheckResult {
  readonly file: string;
  readonly repair: Repair;
}

/**
 * `leaks` repairs what costs space only, `all` also what may have lost data. Throws UsageError or HostError, one sentence, for an image
 * that cannot be looked at, and for a raw one, in which nothing could be wrong.
 */
export async function checkImageFile(path: string, repair: Repair = 'none'): Promise<ImageCheck> {
  const file = await HostFile.open(path, { readOnly: repair === 'none' });
  try {
    if ((await probe(file)) === 'raw') {
      throw new UsageError(`Block image ${path} is raw: any bytes make a sound one.`, 'Check the file system in it.');
    }
    const bytes = new ImageBytes(file);
    return { file: path, repair, ...(await checkImage(bytes, await readHeader(bytes), repair)) };
  } finally {
    await file.close();
  }
}

/** Exit status: 0 for an image that is sound, or is so now, and 1 otherwise. */
export function checkStatus({ unrepaired }: Pick<ImageCheck, 'unrepaired'>): 0 | 1 {
  return unrepaired === 0 ? 0 : 1;
}

/** The result as lines for a terminal. */
export function describeCheck(result: ImageCheck): string {
  const { file, leaks, corruptions, unrepaired, problems, repair, clusters, data, compressed } = result;
  const lines = problems.map(problem => `  ${problem}`);
  const verdict =
    leaks + corruptions === 0
      ? 'no errors'
      : `${count(corruptions, 'contradiction')}, ${count(leaks, 'cluster')} lost${outcome(unrepaired, repair)}`;
  lines.unshift(`${file}: ${verdict}; ${count(clusters, 'cluster')}, ${data} with data, ${compressed} compressed`);
  return `${lines.join('\n')}\n`;
}

function outcome(unrepaired: number, repair: Repair): string {
  if (repair === 'none') return '';
  return unrepaired === 0 ? ', all repaired' : `, ${unrepaired} of them not repaired`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
