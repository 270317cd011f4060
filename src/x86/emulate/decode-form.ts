/**
 * Bytes to a {@link Form}: prefixes, REX or VEX, opcode, ModRM, immediates, then the row whose encoding fits (Intel SDM volume 2, chapter 2). Only
 * what is in the table is found; everything else is "not ours".
 */
import type { CodeSize } from '../mode.ts';
import { prefixesOf } from '../prefixes.ts';
import type { Form, FormAddress, FormOperand } from './form.ts';
import { type EvexBits, evexHead, type Head, legacyHead, vexHead } from './head.ts';
import { ByteReader, memoryForm } from './modrm.ts';
import type { Row } from './row.ts';
import type { OperandSpec, RowShape, SizeRule } from './row-shape.ts';
import { rowsFor } from './table.ts';

function fits(row: RowShape, head: Head, modrm: number, mode: CodeSize): boolean {
  if (row.vex ? row.prefix !== head.mandatory : row.prefix !== '' && row.prefix !== head.mandatory) return false;
  if (row.w !== undefined && row.w !== (head.w ? 1 : 0)) return false;
  if (row.vex && row.l !== undefined && row.l !== head.l) return false;
  if (row.fixedModrm >= 0 && row.fixedModrm !== modrm) return false;
  if (row.digit >= 0 && row.digit !== ((modrm >> 3) & 7)) return false;
  if (row.modes !== 'all' && (row.modes === 'long') !== (mode === 64)) return false;
  // VEX.vvvv must be 1111 where it names no register.
  if (row.vex && head.vvvv !== 0 && !row.operands.some(({ kind }) => 'HBY'.includes(kind))) return false;
  if (head.evex && !fitsEvex(row, head.evex, modrm)) return false;
  const registerForm = modrm >= 0xc0;
  for (const { kind } of row.operands) {
    if (kind === 'M' && registerForm) return false;
    if ((kind === 'R' || kind === 'U' || kind === 'T' || kind === 'N') && !registerForm) return false;
  }
  return true;
}

/** Masks where lanes have a size, broadcast where the row allows it; rounding in the prefix is not known here. */
function fitsEvex(row: RowShape, { mask, zeroing, b }: EvexBits, modrm: number): boolean {
  if (mask !== 0 && row.element === 0) return false;
  if (zeroing && (mask === 0 || row.operands[0]?.kind === 'K' || (row.operands[0]?.kind === 'W' && modrm < 0xc0)))
    return false;
  return !b || (modrm < 0xc0 && row.broadcast);
}

function sizeOf(rule: SizeRule, operandSize: 2 | 4 | 8, w: boolean, vectorSize: number): number {
  switch (rule) {
    case 'v':
      return operandSize;
    case 'z':
      return operandSize === 2 ? 2 : 4;
    case 'y':
      return w ? 8 : 4;
    case 'x':
    case 'u':
    case 'a':
      return vectorSize;
    default:
      return rule;
  }
}

/** The form at `bytes[offset]`, of which `available` bytes are known; undefined if it is not in the table or not complete. */
export function decodeForm(
  bytes: Uint8Array,
  offset: number,
  available: number,
  mode: CodeSize,
): Form<Row> | undefined {
  const end = Math.min(offset + available, offset + 15, bytes.length);
  const prefixes = prefixesOf(bytes, mode, offset, end);
  const reader = new ByteReader(bytes, offset + prefixes.length, end);
  const lead = bytes[reader.at];
  const vexByte = lead === 0xc4 || lead === 0xc5 || lead === 0x62;
  const readHead = lead === 0x62 ? evexHead : vexHead;
  const vex = vexByte ? readHead(reader, prefixes, mode) : undefined;
  if (vexByte && !vex) return undefined;
  const head = vex ?? legacyHead(reader, prefixes);
  const rows = rowsFor(head.evex ? 2 : head.vex ? 1 : 0, head.map, head.opcode);
  if (!rows || reader.short) return undefined;
  const modrm = rows[0]!.modrm ? (bytes[reader.at] ?? 0) : 0;
  const row =
    rows.find(candidate => candidate.prefix !== '' && fits(candidate, head, modrm, mode)) ??
    rows.find(candidate => candidate.prefix === '' && fits(candidate, head, modrm, mode));
  if (!row) return undefined;
  if (row.modrm) reader.u8();
  return build(row, head, reader, modrm, offset, mode);
}

function build(
  row: Row,
  head: Head,
  reader: ByteReader,
  modrm: number,
  offset: number,
  mode: CodeSize,
): Form<Row> | undefined {
  const { prefixes } = head;
  const operandSize = operandSizeOf(row, head, mode);
  const addressSize = prefixes.addressSize ? (mode === 32 ? 2 : 4) : ((mode / 8) as 2 | 4 | 8);
  const vectorSize = (head.vex ? 16 << head.l : 16) as 16 | 32 | 64;
  const broadcast = head.evex?.b ?? false;
  let address: FormAddress | undefined;
  if (row.modrm && modrm < 0xc0 && row.operands.some(({ kind }) => 'EMW'.includes(kind))) {
    address = memoryForm(reader, modrm, addressSize, head.b, head.x, mode === 64, prefixes.segment);
  }
  const operands: FormOperand[] = [];
  for (const spec of row.operands) {
    const width = sizeOf(spec.size, operandSize, head.w, vectorSize);
    if (spec.kind === 'O') {
      const raw = BigInt.asUintN(64, reader.signed(addressSize));
      const absolute = addressSize === 8 ? raw : raw & ((1n << BigInt(addressSize * 8)) - 1n);
      address = { base: -1, index: -1, scale: 1, displacement: 0, absolute, segment: prefixes.segment ?? 'ds' };
    }
    const isMemory = address !== undefined && 'EMW'.includes(spec.kind);
    const size = isMemory && broadcast ? row.element : width;
    // EVEX counts an 8-bit displacement in units of the operand.
    if (isMemory && head.evex && modrm >> 6 === 1) {
      address = { ...address!, displacement: address!.displacement * (spec.memorySize ?? size) };
    }
    operands.push(operandOf(spec, size, head, modrm, reader, row, address, operandSize));
  }
  if (reader.short) return undefined;
  return {
    row,
    size: reader.at - offset,
    bytes: reader.bytes.slice(offset, reader.at),
    mode,
    operands,
    address,
    operandSize,
    addressSize,
    stringSegment: prefixes.segment ?? 'ds',
    repeat: prefixes.repeat,
    lock: prefixes.lock,
    vectorSize,
    modrm,
    w: head.w,
    mask: head.evex?.mask ?? 0,
    zeroing: head.evex?.zeroing ?? false,
    broadcast,
  };
}

function operandSizeOf(row: RowShape, head: Head, mode: CodeSize): 2 | 4 | 8 {
  if (mode === 64 && (head.w || row.near || (row.wide && !head.prefixes.operandSize))) return 8;
  const small = mode === 16;
  // A 66 that selects the instruction does not change the operand size as well.
  const toggles = head.prefixes.operandSize && row.prefix !== '66';
  return small !== toggles ? 2 : 4;
}

function general(number: number, width: number, rex: boolean): FormOperand {
  const high = width === 1 && !rex && number >= 4 && number < 8;
  return { kind: 'general', number: high ? number - 4 : number, width, high };
}

function operandOf(
  spec: OperandSpec,
  width: number,
  head: Head,
  modrm: number,
  reader: ByteReader,
  row: RowShape,
  address: FormAddress | undefined,
  operandSize: 2 | 4 | 8,
): FormOperand {
  const reg = ((modrm >> 3) & 7) | head.r;
  const rm = (modrm & 7) | head.b;
  const rex = head.vex || head.prefixes.rex !== 0;
  const aligned = spec.size === 'a' || ((spec.size === 'x' || spec.size === 16) && !row.vex && spec.kind === 'W');
  const memory: FormOperand = { kind: 'memory', width: spec.memorySize ?? width, alignment: aligned ? width : 1 };
  switch (spec.kind) {
    case 'G':
      return general(reg, width, rex);
    case 'E':
      return address ? memory : general(rm, width, rex);
    case 'R':
      return general(rm, width, rex);
    case 'M':
      return spec.size === 'a' ? { ...memory, alignment: width } : memory;
    case 'O':
      return memory;
    case 'W':
      return address ? memory : { kind: 'vector', number: rm | (head.evex?.rm ?? 0), width };
    case 'U':
      return { kind: 'vector', number: rm | (head.evex?.rm ?? 0), width };
    case 'V':
      return { kind: 'vector', number: reg | (head.evex?.reg ?? 0), width };
    case 'K':
      return { kind: 'mask', number: (modrm >> 3) & 7, width };
    case 'N':
      return { kind: 'mask', number: modrm & 7, width };
    case 'Y':
      return { kind: 'mask', number: head.vvvv & 7, width };
    case 'H':
      // Two-operand SSE instructions read their destination here.
      return { kind: 'vector', number: head.vex ? head.vvvv : reg, width };
    case 'B':
      return general(head.vvvv, width, true);
    case 'L':
      return { kind: 'vector', number: reader.u8() >> 4, width };
    case 'T':
      return { kind: 'stack', number: modrm & 7, width: 10 };
    case 'S':
      return { kind: 'segment', number: (modrm >> 3) & 7, width: 2 };
    case 'Z':
      return general((head.opcode & 7) | head.b, width, rex);
    case 'I':
    case 'J':
      return { kind: 'immediate', value: reader.signed(width), width: operandSize };
    case 'fixed':
      return row.unit === 'sse' || row.unit === 'avx'
        ? { kind: 'vector', number: spec.number, width }
        : { kind: 'general', number: spec.number, width, high: false };
  }
}
