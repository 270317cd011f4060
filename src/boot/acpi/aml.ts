/**
 * ACPI machine language, just the few constructs that a description of fixed hardware needs (ACPI 6.4, chapter 20). Each
 * function returns bytes; nesting calls is nesting terms.
 */

/** Bytes of one or several encoded terms. */
export type Aml = Uint8Array;

export function join(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function littleEndian(value: number, width: 1 | 2 | 4 | 8): number[] {
  const out: number[] = [];
  for (let i = 0, rest = value; i < width; i++, rest = Math.floor(rest / 256)) out.push(rest % 256);
  return out;
}

/** PkgLength (20.2.4): counts itself, then what follows. */
export function packageLength(content: number): number[] {
  if (content + 1 < 0x40) return [content + 1];
  for (const extra of [1, 2, 3] as const) {
    const total = content + 1 + extra;
    if (total < 2 ** (4 + 8 * extra)) {
      return [(extra << 6) | (total & 0xf), ...littleEndian(Math.floor(total / 16), 4).slice(0, extra)];
    }
  }
  throw new RangeError(`${content} bytes do not fit a package length`);
}

/** A name of one segment, padded with underscores, or from the root: `_HID`, `\\_SB`. */
export function nameString(name: string): number[] {
  const [root, segment] = name.startsWith('\\') ? [[0x5c], name.slice(1)] : [[], name];
  if (!/^[A-Z_][A-Z0-9_]{0,3}$/.test(segment)) throw new RangeError(`${name} is no ACPI name`);
  return [...root, ...Array.from(segment.padEnd(4, '_'), letter => letter.charCodeAt(0))];
}

/** The shortest encoding of a constant (20.2.3). */
export function integer(value: number): Aml {
  if (value === 0) return join([0x00]);
  if (value === 1) return join([0x01]);
  if (value <= 0xff) return join([0x0a], littleEndian(value, 1));
  if (value <= 0xffff) return join([0x0b], littleEndian(value, 2));
  if (value <= 0xffff_ffff) return join([0x0c], littleEndian(value, 4));
  return join([0x0e], littleEndian(value, 8));
}

/** A plug-and-play identifier such as PNP0A03, packed into 32 bits (19.3.4, EISAID). */
export function eisaId(id: string): Aml {
  const match = /^([A-Z]{3})([0-9A-F]{4})$/.exec(id);
  if (!match) throw new RangeError(`${id} is no EISA identifier`);
  const [a, b, c] = Array.from(match[1]!, letter => letter.charCodeAt(0) - 0x40) as [number, number, number];
  const letters = (a << 10) | (b << 5) | c;
  const number = Number.parseInt(match[2]!, 16);
  return join([0x0c, letters >> 8, letters & 0xff, number >> 8, number & 0xff]);
}

export function string(text: string): Aml {
  return join([0x0d], new TextEncoder().encode(text), [0]);
}

export function buffer(bytes: Uint8Array): Aml {
  const content = join(integer(bytes.length), bytes);
  return join([0x11], packageLength(content.length), content);
}

/** A package of at most 255 elements. */
export function pkg(...elements: readonly Aml[]): Aml {
  if (elements.length > 255) throw new RangeError(`${elements.length} elements do not fit a package`);
  const content = join([elements.length], ...elements);
  return join([0x12], packageLength(content.length), content);
}

export function name(path: string, value: Aml): Aml {
  return join([0x08], nameString(path), value);
}

export function scope(path: string, ...terms: readonly Aml[]): Aml {
  const content = join(nameString(path), ...terms);
  return join([0x10], packageLength(content.length), content);
}

export function device(path: string, ...terms: readonly Aml[]): Aml {
  const content = join(nameString(path), ...terms);
  return join([0x5b, 0x82], packageLength(content.length), content);
}
