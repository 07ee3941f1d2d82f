// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import type { ImageTrustPolicySpecInput, Mode } from '../../crds/index.ts';
import { parseImageReference } from '../image/index.ts';
import { KeyIssuer, testPolicy } from '../testing/index.ts';
import { compilePolicy, type CompiledPolicy, type ImageUse } from './compile.ts';
import type { Labels } from './selector.ts';

const issuer = new KeyIssuer();
const second = new KeyIssuer('Ed25519');
const base = testPolicy([issuer, second]);
const DIGEST = `sha256:${'a'.repeat(64)}`;
/** A self-signed one, made with openssl; nothing looks at its dates. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUJhyRufK0pf+eICIZggrqlk+/IDIwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjEwNzEzMzlaGA8yMTI2MTAyODA3MTMz
OVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABINR
6EeqnMKYgdTSgncTjvL7jJM3j3klYGE6TqXYZaAslN/RGf6RcoAEDZWF79FpjrjX
i597J0wPxl/zBzIXCfGjUzBRMB0GA1UdDgQWBBT6G2s28gVajQx0Syj3rs7Wl/5V
WDAfBgNVHSMEGDAWgBT6G2s28gVajQx0Syj3rs7Wl/5VWDAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCIAPfoFQZuaPqhML6x4wl4BxG6twdwO+DeGZH
xt+kT9mdAiEAkONE5VKnPRbpFXtHTHf2AbczARtfQjAdg2dh0NcXxMs=
-----END CERTIFICATE-----
`;
const BROKEN = CERTIFICATE.replace(/M.{20}/, 'MIIB');

const compile = (overrides: object = {}): CompiledPolicy =>
  compilePolicy('team', { ...base, ...overrides });
const matching = (match: Partial<ImageTrustPolicySpecInput['match']>): CompiledPolicy =>
  compile({ match: { images: ['**'], ...match } });
const use = (overrides: Partial<ImageUse> = {}): ImageUse => ({
  image: parseImageReference('registry.example/team/app'),
  namespace: 'checkout',
  namespaceLabels: {},
  serviceAccount: 'web',
  ...overrides,
});
const signed = (signature: object, name = 'signed'): object => ({
  name,
  signature: { anyOf: ['key-0'], ...signature },
});

describe('compiling a policy', () => {
  it('answers what it demands', () => {
    const policy = compile({
      requirements: [
        signed({ anyOf: ['key-1', 'key-0'], threshold: 2, annotations: { team: 'a' } }),
        { name: 'listed', allowedDigests: [DIGEST] },
        { name: 'ours', allowedRepositories: ['registry.example/team/**'] },
      ],
      reverification: { interval: '1h30m' },
      exceptions: { allowed: true, approval: 'NotRequired', maxDuration: '24h' },
      registry: { signatureRepository: 'Registry.Example:443/signatures' },
    });
    assert.equal(policy.name, 'team');
    assert.deepEqual(
      policy.requirements.map((r) => [r.name, r.kind]),
      [
        ['signed', 'signature'],
        ['listed', 'allowedDigests'],
        ['ours', 'allowedRepositories'],
      ],
    );
    const [signature] = policy.requirements;
    assert.equal(signature.kind, 'signature');
    assert.deepEqual(
      signature.authorities.map((a) => a.name),
      ['key-1', 'key-0'],
    );
    assert.deepEqual(signature.annotations, [['team', 'a']]);
    assert.equal(signature.threshold, 2);
    assert.equal(policy.needsEvidence, true);
    assert.equal(policy.intervalMs, 5_400_000);
    assert.equal(policy.maxExceptionMs, 86_400_000);
    assert.deepEqual(policy.registry, { signatureRepository: 'registry.example/signatures' });
  });

  it('needs no evidence where no requirement asks for a signature', () => {
    const policy = compile({ requirements: [{ name: 'listed', allowedDigests: [DIGEST] }] });
    assert.equal(policy.needsEvidence, false);
    assert.deepEqual(policy.registry, {});
  });

  it('takes a CA of several certificates with comments between them', () => {
    const inline = `# first\n${CERTIFICATE}\n# second\n${CERTIFICATE}`;
    assert.deepEqual(compile({ registry: { ca: { inline } } }).registry, { ca: inline });
  });

  it('hashes an authority by its keys', () => {
    const hashes = (pems: readonly KeyIssuer[]): readonly string[] => {
      const [requirement] = compilePolicy('p', testPolicy(pems)).requirements;
      assert.equal(requirement.kind, 'signature');
      return requirement.authorities.map((a) => a.hash);
    };
    assert.deepEqual(hashes([issuer, second]), hashes([issuer, second]));
    assert.notEqual(hashes([issuer])[0], hashes([second])[0]);
  });

  it('G7: takes constructor for a name like any other', () => {
    const policy = compilePolicy('constructor', {
      ...base,
      authorities: [{ name: 'constructor', key: { material: { inline: issuer.publicKeyPem } } }],
      requirements: [
        {
          name: 'constructor',
          signature: { anyOf: ['constructor'], annotations: { constructor: 'a', toString: 'b' } },
        },
      ],
    });
    const [requirement] = policy.requirements;
    assert.equal(requirement.kind, 'signature');
    assert.deepEqual(requirement.annotations, [
      ['constructor', 'a'],
      ['toString', 'b'],
    ]);
    assert.throws(() => compile({ requirements: [signed({ anyOf: ['constructor'] })] }), {
      code: 'POLICY_INVALID',
      message: /anyOf\[0\]/,
    });
  });

  const parsed = (text: string): unknown => JSON.parse(text);
  const key = (material: object): object => ({
    authorities: [{ name: 'key-0', key: { material } }, base.authorities?.[1]],
  });
  const ca = (inline: string): object => ({ registry: { ca: { inline } } });
  const selector = (expression: object): object => ({
    match: { images: ['**'], namespaceSelector: { matchExpressions: [expression] } },
  });
  for (const [what, overrides, message] of [
    ['no mode', { mode: undefined }, /^spec\.mode: /],
    ['an unknown mode', { mode: 'enforce' }, /^spec\.mode: /],
    ['an unknown field', { authority: [] }, /^spec: .*authority/],
    [
      'an unknown field further down',
      { exceptions: { allowed: true, approval: 'NotRequired', maxDurations: '1h' } },
      /^spec\.exceptions: .*maxDurations/,
    ],
    ['B20: no match', { match: undefined }, /^spec\.match: /],
    ['B20: an empty match', { match: {} }, /^spec\.match\.images: /],
    ['B20: no image', { match: { images: [] } }, /^spec\.match\.images: /],
    [
      'a pattern that cannot match',
      { match: { images: ['ghcr.io/a', 'Ghcr.io/A B'] } },
      /^spec\.match\.images\[1\]: /,
    ],
    [
      'X8: a pattern with a tag',
      { match: { images: ['ghcr.io/a:1'] } },
      /^spec\.match\.images\[0\]: /,
    ],
    [
      'an exclusion that cannot match',
      { match: { images: ['**'], excludeImages: ['ghcr.io/***'] } },
      /^spec\.match\.excludeImages\[0\]: /,
    ],
    ['no requirement', { requirements: [] }, /^spec\.requirements: /],
    [
      'a requirement of no kind',
      { requirements: [{ name: 'a' }] },
      /^spec\.requirements\[0\]: exactly one/,
    ],
    [
      'a requirement of two kinds',
      { requirements: [{ ...signed({}), allowedDigests: [DIGEST] }] },
      /^spec\.requirements\[0\]: exactly one/,
    ],
    [
      'two requirements of one name',
      { requirements: [signed({}), signed({})] },
      /^spec\.requirements: a name occurs twice/,
    ],
    [
      'two authorities of one name',
      { authorities: [base.authorities?.[0], base.authorities?.[0]] },
      /^spec\.authorities: a name occurs twice/,
    ],
    [
      'A39: an authority without a key',
      { authorities: [{ name: 'key-0' }] },
      /^spec\.authorities\[0\]: exactly one of key, keyless and certificate /,
    ],
    [
      'B39: an authority without a name',
      { authorities: [{ name: '', key: {} }] },
      /^spec\.authorities\[0\]\.name: /,
    ],
    [
      'A14: no authority in anyOf',
      { requirements: [signed({ anyOf: [] })] },
      /^spec\.requirements\[0\]\.signature\.anyOf: /,
    ],
    [
      'an authority that there is not',
      { requirements: [signed({ anyOf: ['key-9'] })] },
      /^spec\.requirements\[0\]\.signature\.anyOf\[0\]: "key-9"/,
    ],
    [
      'an authority twice in anyOf',
      { requirements: [signed({ anyOf: ['key-0', 'key-0'] })] },
      /anyOf: a name occurs twice/,
    ],
    [
      'F7: a threshold of 0',
      { requirements: [signed({ threshold: 0 })] },
      /^spec\.requirements\[0\]\.signature\.threshold: /,
    ],
    ['F7: a threshold of -1', { requirements: [signed({ threshold: -1 })] }, /\.threshold: /],
    ['a threshold of 1.5', { requirements: [signed({ threshold: 1.5 })] }, /\.threshold: /],
    [
      'a threshold beyond the authorities',
      { requirements: [signed({ threshold: 2 })] },
      /^spec\.requirements\[0\]\.signature\.threshold: exceeds/,
    ],
    [
      'an annotation that is no string',
      { requirements: [signed({ annotations: { a: 1 } })] },
      /^spec\.requirements\[0\]\.signature\.annotations\.a: /,
    ],
    [
      'X6: a digest of another algorithm',
      { requirements: [{ name: 'a', allowedDigests: ['md5:aa'] }] },
      /^spec\.requirements\[0\]\.allowedDigests\[0\]: /,
    ],
    [
      'X6: a digest in upper case',
      { requirements: [{ name: 'a', allowedDigests: [DIGEST.toUpperCase()] }] },
      /allowedDigests\[0\]: /,
    ],
    [
      'no digest in the list',
      { requirements: [{ name: 'a', allowedDigests: [] }] },
      /^spec\.requirements\[0\]\.allowedDigests: /,
    ],
    [
      'a repository that cannot match',
      { requirements: [{ name: 'a', allowedRepositories: ['**', 'a b'] }] },
      /^spec\.requirements\[0\]\.allowedRepositories\[1\]: /,
    ],
    [
      'no repository in the list',
      { requirements: [{ name: 'a', allowedRepositories: [] }] },
      /^spec\.requirements\[0\]\.allowedRepositories: /,
    ],
    [
      'a key that is not resolved',
      key({ configMapRef: { name: 'a', key: 'b' } }),
      /^spec\.authorities\[0\]\.key\.material: is not resolved/,
    ],
    [
      'A39: a key both inline and elsewhere',
      key({ inline: issuer.publicKeyPem, secretRef: { name: 'a', key: 'b' } }),
      /^spec\.authorities\[0\]\.key\.material: exactly one/,
    ],
    [
      'A39: a key inline and in a ConfigMap',
      key({ inline: issuer.publicKeyPem, configMapRef: { name: 'a', key: 'b' } }),
      /exactly one/,
    ],
    [
      'a key that cannot be parsed',
      key({ inline: 'ssh-ed25519 AAAA' }),
      /^spec\.authorities\[0\]\.key\.material: holds text/,
    ],
    [
      'an interval that is none',
      { reverification: { interval: '1d' } },
      /^spec\.reverification\.interval: /,
    ],
    [
      'an empty interval',
      { reverification: { interval: '' } },
      /^spec\.reverification\.interval: "" is not a duration/,
    ],
    [
      'an interval of 9 seconds',
      { reverification: { interval: '9s' } },
      /^spec\.reverification\.interval: "9s" is out of range/,
    ],
    [
      'X25: an interval beyond what a timer takes',
      { reverification: { interval: '600h' } },
      /^spec\.reverification\.interval: "600h" is out of range/,
    ],
    [
      'the last verified evidence of any age',
      { onInconclusive: { action: 'AllowLastVerified' } },
      /^spec\.onInconclusive\.maxAge: is needed with AllowLastVerified/,
    ],
    [
      'an age of evidence that nobody judges by',
      { onInconclusive: { maxAge: '1h' } },
      /^spec\.onInconclusive\.maxAge: goes with AllowLastVerified only/,
    ],
    [
      'evidence of 59 seconds at most',
      { onInconclusive: { action: 'AllowLastVerified', maxAge: '59s' } },
      /^spec\.onInconclusive\.maxAge: "59s" is out of range/,
    ],
    [
      'evidence of more than 30 days',
      { onInconclusive: { action: 'AllowLastVerified', maxAge: '720h1s' } },
      /^spec\.onInconclusive\.maxAge: "720h1s" is out of range/,
    ],
    [
      'exceptions of no duration',
      { exceptions: { maxDuration: '0s' } },
      /^spec\.exceptions\.maxDuration: /,
    ],
    [
      'exceptions of more than a year',
      { exceptions: { maxDuration: '8761h' } },
      /^spec\.exceptions\.maxDuration: "8761h" is out of range/,
    ],
    [
      'a signature repository with a tag',
      { registry: { signatureRepository: 'ghcr.io/a:1' } },
      /^spec\.registry\.signatureRepository: names a repository/,
    ],
    [
      'a signature repository that is none',
      { registry: { signatureRepository: 'ghcr.io/A' } },
      /^spec\.registry\.signatureRepository: /,
    ],
    [
      'a CA that is not resolved',
      { registry: { ca: { secretRef: { name: 'a', key: 'b' } } } },
      /^spec\.registry\.ca: is not resolved/,
    ],
    ['a CA without certificates', ca('# none'), /^spec\.registry\.ca: holds no PEM certificate/],
    ['a CA that cannot be parsed', ca(BROKEN), /^spec\.registry\.ca: /],
    [
      'a CA whose second certificate cannot be parsed',
      ca(CERTIFICATE + BROKEN),
      /^spec\.registry\.ca: /,
    ],
    [
      'a CA with a key in it',
      ca(CERTIFICATE + issuer.publicKeyPem),
      /^spec\.registry\.ca: holds something else/,
    ],
    [
      'an override without a selector',
      { modeOverrides: [{ mode: 'Audit' }] },
      /^spec\.modeOverrides\[0\]\.namespaceSelector: /,
    ],
    [
      'an override whose selector selects nothing',
      {
        modeOverrides: [
          {
            mode: 'Audit',
            namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] },
          },
        ],
      },
      /^spec\.modeOverrides\[0\]\.namespaceSelector\.matchExpressions\[0\]\.values: must be given/,
    ],
    [
      'B20: a selector that selects nothing',
      selector({ key: 'a', operator: 'In', values: [] }),
      /^spec\.match\.namespaceSelector\.matchExpressions\[0\]\.values: must be given/,
    ],
    [
      'a selector with values that count for nothing',
      selector({ key: 'a', operator: 'Exists', values: ['b'] }),
      /must be empty for the operator Exists/,
    ],
    [
      'G7: an annotation __proto__, which would be dropped',
      { requirements: [signed({ annotations: parsed('{"__proto__":"x"}') })] },
      /^spec\.requirements\[0\]\.signature\.annotations\.__proto__: /,
    ],
    [
      'G7: a label __proto__, which would be dropped',
      {
        match: { images: ['**'], namespaceSelector: { matchLabels: parsed('{"__proto__":"x"}') } },
      },
      /^spec\.match\.namespaceSelector\.matchLabels\.__proto__: /,
    ],
  ] as const) {
    it(`refuses ${what}`, () =>
      assert.throws(() => compile(overrides), {
        name: 'VerificationError',
        code: 'POLICY_INVALID',
        message,
      }));
  }

  for (const spec of [
    undefined,
    null,
    1,
    'a',
    [],
    [1, 2],
    true,
    {},
    { spec: base },
    parsed('{"__proto__":{}}'),
  ]) {
    it(`B9: refuses ${inspect(spec).slice(0, 20)} for a spec`, () => {
      assert.throws(() => compilePolicy('team', spec), {
        code: 'POLICY_INVALID',
        message: /^spec/,
      });
    });
  }

  it('B9: throws nothing but POLICY_INVALID, whatever stands at any place', () => {
    const places = Object.keys(compile().spec) as (keyof CompiledPolicy['spec'])[];
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 4 }), (place, value) => {
        try {
          assert.ok(compile({ [place]: value }).requirements.length > 0);
        } catch (thrown) {
          assert.ok(
            thrown instanceof Error && 'code' in thrown && thrown.code === 'POLICY_INVALID',
            String(thrown),
          );
        }
      }),
      { numRuns: 500 },
    );
  });

  it('E5: refuses what is nested without end', () => {
    const deep: unknown[] = [];
    deep.push(deep);
    assert.throws(() => compile({ match: deep }), { code: 'POLICY_INVALID' });
  });

  it('A11: refuses one key in two authorities where a threshold would count it twice', () => {
    const twice = testPolicy([issuer, issuer, second]);
    const wanting = (threshold: number): unknown => ({
      ...twice,
      requirements: [
        { name: 'signed', signature: { anyOf: ['key-0', 'key-1', 'key-2'], threshold } },
      ],
    });
    assert.throws(() => compilePolicy('team', wanting(2)), {
      code: 'POLICY_INVALID',
      message: /\.threshold: two authorities in anyOf hold the same key/,
    });
    assert.equal(compilePolicy('team', wanting(1)).name, 'team');
  });
});

describe('what a policy covers', () => {
  it('is images that a pattern names and no exclusion takes out', () => {
    const policy = matching({
      images: ['registry.example/**', 'nginx'],
      excludeImages: ['registry.example/base/**'],
    });
    const covers = (text: string): boolean => policy.coversImage(parseImageReference(text));
    assert.equal(covers('registry.example/team/app:1'), true);
    assert.equal(covers('docker.io/library/nginx'), true);
    assert.equal(covers('registry.example/base/alpine'), false);
    assert.equal(covers('registry.example.evil/team/app'), false);
  });

  it('is every namespace and service account where nothing narrows it', () => {
    assert.equal(
      matching({}).coversUse(use({ namespaceLabels: undefined, serviceAccount: 'constructor' })),
      true,
    );
  });

  it('X19: is service accounts by their exact name', () => {
    const policy = matching({ serviceAccounts: ['web'] });
    assert.deepEqual(
      ['web', 'Web', 'web2', '', 'system:serviceaccount:checkout:web'].map((serviceAccount) =>
        policy.coversUse(use({ serviceAccount })),
      ),
      [true, false, false, false, false],
    );
  });

  it('B8: is a namespace whose labels are not known', () => {
    const policy = matching({ namespaceSelector: { matchLabels: { env: 'prod' } } });
    assert.equal(policy.coversUse(use({ namespaceLabels: { env: 'prod' } })), true);
    assert.equal(policy.coversUse(use({ namespaceLabels: { env: 'dev' } })), false);
    assert.equal(policy.coversUse(use({ namespaceLabels: undefined })), true);
  });
});

describe('the mode of a policy in a namespace', () => {
  const inEnv = (env: string, mode: Mode): object => ({
    mode,
    namespaceSelector: { matchLabels: { env } },
  });
  const modeIn = (mode: Mode, overrides: readonly object[], labels: Labels): Mode =>
    compile({ mode, modeOverrides: overrides }).modeIn(labels);

  it('is that of the first override whose selector holds, else that of the policy', () => {
    const overrides = [
      inEnv('dev', 'Audit'),
      { mode: 'Enforce', namespaceSelector: {} },
      inEnv('dev', 'Enforce'),
    ];
    assert.equal(modeIn('Audit', overrides, { env: 'dev' }), 'Audit');
    assert.equal(modeIn('Audit', overrides, {}), 'Enforce');
    assert.equal(modeIn('Enforce', [inEnv('dev', 'Audit')], { env: 'prod' }), 'Enforce');
    assert.equal(modeIn('Audit', [], {}), 'Audit');
  });

  it('G7: does not take what every object inherits for a label', () => {
    const inherited = {
      mode: 'Audit',
      namespaceSelector: { matchExpressions: [{ key: 'constructor', operator: 'Exists' }] },
    };
    assert.equal(modeIn('Enforce', [inherited], {}), 'Enforce');
    assert.equal(modeIn('Enforce', [inherited], { constructor: 'a' }), 'Audit');
  });

  it('B8: is the strictest that any labels could give where they are not known', () => {
    const mode = fc.constantFrom<Mode>('Enforce', 'Audit');
    const selector = fc.constantFrom<object>(
      {},
      { matchLabels: { a: '1' } },
      { matchExpressions: [{ key: 'b', operator: 'DoesNotExist' }] },
    );
    const some = fc.array(fc.record({ mode, namespaceSelector: selector }), { maxLength: 4 });
    const all: Labels[] = [{}, { a: '1' }, { b: '1' }, { a: '1', b: '1' }];
    fc.assert(
      fc.property(mode, some, (fallback, overrides) => {
        const policy = compile({ mode: fallback, modeOverrides: overrides });
        const unknown = policy.modeIn(undefined);
        if (all.some((labels) => policy.modeIn(labels) === 'Enforce'))
          assert.equal(unknown, 'Enforce');
      }),
    );
  });
});
