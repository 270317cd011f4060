/** What an image is, for people and for programs. Nothing that it names is opened. */
import { HostFile } from '../../host-file.ts';
import { probe } from '../../image.ts';
import type { ImageFormat } from '../../options.ts';
import { RawFile } from '../../raw-file.ts';
import { printable } from '../extensions.ts';
import { ImageBytes } from '../image-bytes.ts';
import { readHeader } from '../open.ts';
import { readSnapshots } from '../snapshots.ts';

export interface ImageInfo {
  readonly file: string;
  readonly format: ImageFormat;
  /** Bytes that the guest sees. */
  readonly size: number;
  /** Bytes of the file, holes included. */
  readonly fileBytes: number;
  /** Of qcow2 images only. */
  readonly qcow2?: {
    readonly version: number;
    readonly clusterSize: number;
    readonly refcountBits: number;
    readonly compression: string;
    readonly lazyRefcounts: boolean;
    /** Not closed well: its refcounts are counted anew when it is next opened for writing. */
    readonly dirty: boolean;
    readonly backing: { readonly file: string; readonly format: string | null } | null;
    readonly snapshots: readonly {
      readonly id: string;
      readonly name: string;
      /** ISO 8601. */
      readonly date: string;
      readonly stateBytes: number;
    }[];
  };
}

/** Throws UsageError or HostError, one sentence. The format is found out unless given. */
export async function imageInfo(path: string, format?: ImageFormat): Promise<ImageInfo> {
  const file = await HostFile.open(path, { readOnly: true });
  try {
    const common = { file: path, fileBytes: file.length };
    if ((format ?? (await probe(file))) === 'raw') return { ...common, format: 'raw', size: new RawFile(file).size };
    const bytes = new ImageBytes(file);
    const header = await readHeader(bytes);
    const { backing } = header;
    const table = await readSnapshots(header, bytes);
    return {
      ...common,
      format: 'qcow2',
      size: header.size,
      qcow2: {
        version: header.version,
        clusterSize: header.clusterSize,
        refcountBits: 2 ** header.refcountOrder,
        compression: header.compression,
        lazyRefcounts: header.lazyRefcounts,
        dirty: header.dirty,
        backing: backing === undefined ? null : { file: backing.name, format: backing.format ?? null },
        snapshots: (table?.snapshots ?? []).map(({ id, name, date, stateBytes }) => {
          return { id, name, date: date.toISOString(), stateBytes };
        }),
      },
    };
  } finally {
    await file.close();
  }
}

/** The same as lines for a terminal. */
export function describeInfo({ file, format, size, fileBytes, qcow2 }: ImageInfo): string {
  const rows: [string, string][] = [
    ['image', file],
    ['format', qcow2 === undefined ? format : `qcow2, version ${qcow2.version}`],
    ['disk size', bytesInWords(size)],
    ['file size', bytesInWords(fileBytes)],
  ];
  if (qcow2 !== undefined) {
    rows.push(['cluster size', bytesInWords(qcow2.clusterSize)], ['refcounts', `${qcow2.refcountBits} bits`]);
    rows.push(['compression', qcow2.compression], ['lazy refcounts', qcow2.lazyRefcounts ? 'yes' : 'no']);
    rows.push(['closed well', qcow2.dirty ? 'no, will be repaired when next written' : 'yes']);
    const { backing } = qcow2;
    if (backing)
      rows.push(['based on', `${printable(backing.file)} (${printable(backing.format ?? 'format not stated')})`]);
    for (const { id, name, date } of qcow2.snapshots) {
      rows.push(['snapshot', `${printable(id)} ${printable(name)}, ${date}`]);
    }
  }
  return `${rows.map(([name, value]) => `${`${name}:`.padEnd(16)}${value}`).join('\n')}\n`;
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

function bytesInWords(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const rounded = `${Number.isInteger(value) ? value : value.toFixed(1)} ${UNITS[unit]}`;
  return unit === 0 ? rounded : `${rounded} (${count} bytes)`;
}
