/** `tslaunch doctor`: what this host can do, and what to type where it cannot. Exit status 0 if guests can run. */
import { styleText } from 'node:util';
import { facilityFindings } from './facilities.ts';
import type { Finding } from './finding.ts';
import { examineHost, type HostFacts } from './host.ts';
import { kvmFindings } from './kvm.ts';

export function diagnose(host: HostFacts): Finding[] {
  return [...kvmFindings(host), ...facilityFindings(host)];
}

export function guestsCanRun(findings: readonly Finding[]): boolean {
  return findings.every(finding => finding.status !== 'missing');
}

const COLOUR = { ok: 'green', limited: 'yellow', missing: 'red' } as const;

/** One line a finding, its remedy indented below. */
export function formatFindings(findings: readonly Finding[], colour: boolean): string {
  const width = Math.max(...findings.map(finding => finding.name.length));
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const lines = findings.flatMap(({ name, status, found, remedy }) => [
    `${paint(COLOUR[status], status.padEnd(8))} ${name.padEnd(width)}  ${found}`,
    ...(remedy ? [`${' '.repeat(9 + width + 2)}${paint('dim', '->')} ${remedy}`] : []),
  ]);
  const verdict = guestsCanRun(findings)
    ? paint('green', 'Guests can run here.')
    : paint('red', 'Guests cannot run here until what is missing is there.');
  return `${[...lines, '', verdict].join('\n')}\n`;
}

export async function doctor(json: boolean): Promise<number> {
  const findings = diagnose(await examineHost());
  const can = guestsCanRun(findings);
  const colour = process.stdout.isTTY === true && !process.env.NO_COLOR;
  process.stdout.write(
    json ? `${JSON.stringify({ guestsCanRun: can, findings }, null, 2)}\n` : formatFindings(findings, colour),
  );
  return can ? 0 : 1;
}
