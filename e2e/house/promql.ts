// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** A metric as an expression uses it. */
export interface Selector {
  readonly metric: string;
  /** Labels in its braces, with what they are compared with; `=` and `!=` only for whole values. */
  readonly matchers: readonly {
    readonly label: string;
    readonly op: string;
    readonly value: string;
  }[];
}

/** What an expression of PromQL uses. */
export interface Uses {
  readonly selectors: readonly Selector[];
  /** Labels that are grouped by, with the metrics under them. */
  readonly groupings: readonly { readonly label: string; readonly metrics: readonly string[] }[];
}

const AGGREGATIONS = new Set(['sum', 'min', 'max', 'avg', 'count', 'topk', 'bottomk']);
const FUNCTIONS = new Set([
  'absent',
  'histogram_quantile',
  'increase',
  'label_replace',
  'rate',
  'sort',
  'sort_desc',
  'time',
  'vector',
]);
/** Operators from the weakest binding to the strongest. */
const LEVELS: readonly (readonly string[])[] = [
  ['or'],
  ['and', 'unless'],
  ['==', '!=', '<=', '<', '>=', '>'],
  ['+', '-'],
  ['*', '/', '%'],
];
const TOKEN =
  /\s*(?:("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(\d+(?:\.\d+)?(?:ms|[smhdwy])?)|([A-Za-z_:$][\w:$]*)|(=~|!~|==|!=|<=|>=|[-+*/%<>=(){}[\],:]))/y;

/**
 * Parses the part of PromQL that our rules and dashboards are written in, and tells what it uses.
 * Throws for anything else: an expression that this does not know is one to look at.
 */
export function parseExpression(text: string): Uses {
  const parser = new Parser(tokensOf(text));
  parser.expression(0);
  parser.end();
  return parser;
}

function tokensOf(text: string): readonly string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(text)?.[0].trim();
    if (token === undefined) throw new Error(`cannot read ${JSON.stringify(text.slice(at))}`);
    tokens.push(token);
  }
  return tokens;
}

class Parser implements Uses {
  readonly selectors: Selector[] = [];
  readonly groupings: { readonly label: string; readonly metrics: readonly string[] }[] = [];
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  expression(level: number): void {
    const operators = LEVELS[level];
    if (operators === undefined) {
      this.#primary();
      return;
    }
    this.expression(level + 1);
    while (operators.includes(this.#peek())) {
      this.#next();
      this.expression(level + 1);
    }
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw new Error(`unexpected ${this.#peek()}`);
  }

  #primary(): void {
    const token = this.#next();
    if (token === '-') this.#primary();
    else if (token === '(') {
      this.expression(0);
      this.#expect(')');
    } else if (/^["'\d]/.test(token)) return;
    else if (AGGREGATIONS.has(token)) this.#aggregation();
    else if (FUNCTIONS.has(token)) this.#arguments();
    else if (/^[A-Za-z_]/.test(token)) this.#selector(token);
    else throw new Error(`unexpected ${token}`);
  }

  #aggregation(): void {
    const first = this.selectors.length;
    let labels = this.#grouping();
    this.#arguments();
    labels = [...labels, ...this.#grouping()];
    const metrics = this.selectors.slice(first).map((s) => s.metric);
    for (const label of labels) this.groupings.push({ label, metrics });
  }

  #grouping(): readonly string[] {
    if (this.#peek() !== 'by') return [];
    this.#next();
    this.#expect('(');
    const labels: string[] = [];
    while (this.#peek() !== ')') {
      labels.push(this.#next());
      if (this.#peek() === ',') this.#next();
    }
    this.#expect(')');
    return labels;
  }

  #arguments(): void {
    this.#expect('(');
    while (this.#peek() !== ')') {
      this.expression(0);
      if (this.#peek() === ',') this.#next();
      else break;
    }
    this.#expect(')');
  }

  #selector(metric: string): void {
    const matchers: { label: string; op: string; value: string }[] = [];
    if (this.#peek() === '{') {
      this.#next();
      while (this.#peek() !== '}') {
        const [label, op, quoted] = [this.#next(), this.#next(), this.#next()];
        if (!['=', '!=', '=~', '!~'].includes(op) || !/^["']/.test(quoted))
          throw new Error(`${metric}: a matcher of ${label}`);
        matchers.push({ label, op, value: JSON.parse(`"${quoted.slice(1, -1)}"`) as string });
        if (this.#peek() === ',') this.#next();
      }
      this.#expect('}');
    }
    if (this.#peek() === '[') {
      this.#next();
      if (!/^\d+[smhdwy]$|^\$__/.test(this.#next())) throw new Error(`${metric}: its range`);
      this.#expect(']');
    }
    this.selectors.push({ metric, matchers });
  }

  #peek(): string {
    return this.#tokens[this.#at] ?? '';
  }

  #next(): string {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new Error('it ends early');
    this.#at += 1;
    return token;
  }

  #expect(token: string): void {
    const found = this.#next();
    if (found !== token) throw new Error(`${token} expected, not ${found}`);
  }
}
