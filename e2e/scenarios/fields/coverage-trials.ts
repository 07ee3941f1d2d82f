// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { policyTrial, type Trial } from './trial.ts';
import type { Spec } from './ground.ts';
import { LABELS } from './ground.ts';

const DENIED = 'denied NO_SIGNATURE';
const WARNED = 'warned NO_SIGNATURE';
const [[LABEL, VALUE]] = Object.entries(LABELS) as [[string, string]];

/** Fields that say where a policy counts, and how much. */
export const COVERAGE_TRIALS: readonly Trial[] = [
  policyTrial('mode', 'Enforce denies where Audit warns', async (ground) => {
    const { pinned } = await ground.unsigned();
    return {
      sides: [
        [ground.policy({ mode: 'Enforce' }), DENIED],
        [ground.policy({ mode: 'Audit' }), WARNED],
      ],
      observe: () => ground.pod(pinned),
    };
  }),
  policyTrial(
    'modeOverrides[].mode',
    'counts in the namespaces of its selector',
    async (ground) => {
      const { pinned } = await ground.unsigned();
      const spec = (mode: string): Spec =>
        ground.policy({ modeOverrides: [{ namespaceSelector: {}, mode }] });
      return {
        sides: [
          [spec('Audit'), WARNED],
          [spec('Enforce'), DENIED],
        ],
        observe: () => ground.pod(pinned),
      };
    },
  ),
  ...selectorTrials('modeOverrides[].namespaceSelector', {
    fields: (namespaceSelector) => ({ modeOverrides: [{ namespaceSelector, mode: 'Audit' }] }),
    selected: WARNED,
    passedOver: DENIED,
  }),
  policyTrial('match.images[]', 'only repositories that it names are judged', async (ground) => {
    const { pinned } = await ground.unsigned();
    const spec = (image: string): Spec => ground.policy({ match: { images: [image] } });
    return {
      sides: [
        [spec(ground.repository), DENIED],
        [spec(`${ground.repository}-2`), 'admitted'],
      ],
      observe: () => ground.pod(pinned),
    };
  }),
  policyTrial('match.excludeImages[]', 'repositories are left out again', async (ground) => {
    const { pinned } = await ground.unsigned();
    const images = [`${ground.world.registry.host}/${ground.folder}/**`];
    const spec = (image: string): Spec =>
      ground.policy({ match: { images, excludeImages: [image] } });
    return {
      sides: [
        [spec(`${ground.repository}-2`), DENIED],
        [spec(ground.repository), 'admitted'],
      ],
      observe: () => ground.pod(pinned),
    };
  }),
  ...selectorTrials('match.namespaceSelector', {
    fields: (namespaceSelector, images) => ({ match: { images, namespaceSelector } }),
    selected: DENIED,
    passedOver: 'admitted',
  }),
  policyTrial('match.serviceAccounts[]', 'only their pods are judged', async (ground) => {
    const { pinned } = await ground.unsigned();
    const images = [ground.repository];
    const spec = (account: string): Spec =>
      ground.policy({ match: { images, serviceAccounts: [account] } });
    return {
      sides: [
        [spec('default'), DENIED],
        [spec('other'), 'admitted'],
      ],
      observe: () => ground.pod(pinned),
    };
  }),
];

interface Selecting {
  /** The fields of a policy with this selector. */
  readonly fields: (selector: Spec, images: readonly string[]) => Spec;
  /** What is seen where the selector selects the namespace, and where it does not. */
  readonly selected: string;
  readonly passedOver: string;
}

/** Tries every field of a label selector over namespaces. */
function selectorTrials(
  path: string,
  { fields, selected, passedOver }: Selecting,
): readonly Trial[] {
  const trial = (field: string, shows: string, [yes, no]: readonly [Spec, Spec]): Trial =>
    policyTrial(`${path}.${field}`, shows, async (ground) => {
      const { pinned } = await ground.unsigned();
      const spec = (selector: Spec): Spec => ground.policy(fields(selector, [ground.repository]));
      return {
        sides: [
          [spec(yes), selected],
          [spec(no), passedOver],
        ],
        observe: () => ground.pod(pinned),
      };
    });
  const expression = (key: string, operator: string, value: string): Spec => ({
    matchExpressions: [{ key, operator, values: [value] }],
  });
  const base = expression(LABEL, 'In', VALUE);
  return [
    trial('matchLabels', 'namespaces are selected by their labels', [
      { matchLabels: { [LABEL]: VALUE } },
      { matchLabels: { [LABEL]: 'other' } },
    ]),
    trial('matchExpressions[].key', 'the label is looked at that it names', [
      base,
      expression('other', 'In', VALUE),
    ]),
    trial('matchExpressions[].operator', 'NotIn is the contrary of In', [
      base,
      expression(LABEL, 'NotIn', VALUE),
    ]),
    trial('matchExpressions[].values[]', 'the label must have one of them', [
      base,
      expression(LABEL, 'In', 'other'),
    ]),
  ];
}
