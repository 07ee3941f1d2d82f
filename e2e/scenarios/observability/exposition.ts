// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** A family of metrics as it is exposed. */
export interface Family {
  readonly type: string;
  readonly help: string;
  /** Labels of each series, without those of histograms. */
  readonly series: Readonly<Record<string, string>>[];
}

const PREFIX = 'countersign_';
const LINE = /^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? [-+.\deNaInf]+$/;

/** Reads our families out of an exposition, by their names without the prefix. */
export function familiesOf(body: string): ReadonlyMap<string, Family> {
  const families = new Map<string, Family>();
  const helps = new Map<string, string>();
  for (const line of body.split('\n')) {
    const [, help, text = ''] = /^# HELP countersign_(\w+) (.*)$/.exec(line) ?? [];
    if (help !== undefined) helps.set(help, text);
    const [, name, type = ''] = /^# TYPE countersign_(\w+) (\w+)$/.exec(line) ?? [];
    if (name !== undefined) families.set(name, { type, help: helps.get(name) ?? '', series: [] });
    if (line.startsWith(PREFIX)) take(families, line);
  }
  return families;
}

function take(families: ReadonlyMap<string, Family>, line: string): void {
  const [, name = '', labels = ''] = LINE.exec(line) ?? [];
  const whole = line.slice(PREFIX.length).split(/[{ ]/, 1)[0] ?? '';
  const family = families.get(whole) ?? families.get(name.slice(PREFIX.length));
  if (family === undefined) throw new Error(`a series of no family: ${line}`);
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
  family.series.push(
    Object.fromEntries(
      pairs.filter(([, key]) => key !== 'le').map(([, key = '', value = '']) => [key, value]),
    ),
  );
}

/** The sum of a family's samples with these labels, out of an exposition. */
export function sampleOf(
  body: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  return body
    .split('\n')
    .filter((line) => line.startsWith(`${PREFIX}${name}{`) || line.startsWith(`${PREFIX}${name} `))
    .filter((line) => Object.entries(labels).every(([k, v]) => line.includes(`${k}="${v}"`)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
