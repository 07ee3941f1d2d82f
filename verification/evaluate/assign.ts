// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/**
 * Gives as many rows as possible an item of theirs so that no two of them have items of the same name:
 * a largest matching, found by augmenting paths. Answers the items in the order of the rows. So one
 * signer whom two authorities accept counts once.
 */
export function assign<T>(
  rows: readonly (readonly T[])[],
  nameOf: (item: T) => string,
): readonly T[] {
  const holder = new Map<string, number>();
  const held = new Map<number, T>();
  const place = (row: number, tried: Set<string>): boolean => {
    for (const item of rows[row] ?? []) {
      const name = nameOf(item);
      if (tried.has(name)) continue;
      tried.add(name);
      const other = holder.get(name);
      if (other !== undefined && !place(other, tried)) continue;
      holder.set(name, row);
      held.set(row, item);
      return true;
    }
    return false;
  };
  rows.forEach((_, row) => place(row, new Set()));
  return [...held].sort(([a], [b]) => a - b).map(([, item]) => item);
}
