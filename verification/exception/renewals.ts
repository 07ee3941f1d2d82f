// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CompiledException } from './exception.ts';
import type { ExceptionIndex } from './exception-index.ts';

/** Most exceptions that are followed back, or forth: the question stays cheap whatever there is. */
const MOST = 256;

/**
 * Names of the distinct exceptions that one follows, in its namespace, sorted: those it says it renews,
 * and those that began earlier and permit a part of the same (policy, a digest, a service account and a
 * requirement), and what these follow in turn; at most 256. One that is named and gone counts.
 */
export function renewalsOf(exception: CompiledException, index: ExceptionIndex): readonly string[] {
  return reach(exception, function* (one, seen) {
    const { namespace, renews } = one;
    if (renews !== undefined) yield { name: renews, exception: index.named(namespace, renews) };
    for (const other of siblings(one, index, seen))
      if (isEarlierPart(other, one)) yield { name: other.name, exception: other };
  });
}

/** Names of the exceptions that follow one: what {@link renewalsOf} answers for them names it; at most 256. */
export function followersOf(
  exception: CompiledException,
  index: ExceptionIndex,
): readonly string[] {
  return reach(exception, function* (one, seen) {
    for (const other of index.renewing(one.namespace, one.name))
      yield { name: other.name, exception: other };
    for (const other of siblings(one, index, seen))
      if (isEarlierPart(one, other)) yield { name: other.name, exception: other };
  });
}

interface Step {
  readonly name: string;
  readonly exception: CompiledException | undefined;
}

/** All that can be reached by steps, itself not among them; cycles end. */
function reach(
  start: CompiledException,
  next: (from: CompiledException, seen: ReadonlySet<string>) => Iterable<Step>,
): readonly string[] {
  const seen = new Set([start.name]);
  const open = [start];
  for (let from = open.pop(); from !== undefined; from = open.pop()) {
    for (const { name, exception } of next(from, seen)) {
      if (seen.has(name)) continue;
      if (seen.size > MOST) return finish(seen, start);
      seen.add(name);
      if (exception !== undefined) open.push(exception);
    }
  }
  return finish(seen, start);
}

function finish(seen: ReadonlySet<string>, { name }: CompiledException): readonly string[] {
  return [...seen].filter((other) => other !== name).sort();
}

/** Those that share a digest, each once however many, but for those that are known already. */
function* siblings(
  { policy, namespace, digests }: CompiledException,
  index: ExceptionIndex,
  seen: ReadonlySet<string>,
): Iterable<CompiledException> {
  const met = new Set<CompiledException>();
  for (const digest of digests)
    for (const other of index.candidates(policy, namespace, digest)) {
      if (met.has(other) || seen.has(other.name)) continue;
      met.add(other);
      yield other;
    }
}

/** Whether the first began before the second and permits a part of what it permits; they share a digest. */
function isEarlierPart(first: CompiledException, second: CompiledException): boolean {
  const isEarlier =
    first.notBefore === second.notBefore
      ? first.name < second.name
      : first.notBefore < second.notBefore;
  return (
    isEarlier &&
    shares(first.serviceAccounts, second.serviceAccounts) &&
    sharesRequirement(first, second)
  );
}

function sharesRequirement(one: CompiledException, other: CompiledException): boolean {
  if (one.requirements === 'all' || other.requirements === 'all') return true;
  return shares(one.requirements, other.requirements);
}

function shares(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  for (const value of one) if (other.has(value)) return true;
  return false;
}
