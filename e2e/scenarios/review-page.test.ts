// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'mocha';
import type { Browser, SerializedAXNode } from 'puppeteer-core';
import type { ReviewDocument } from '../../cli/page/index.ts';
import { needs } from '../harness/index.ts';
import { browserAvailable, picture, startBrowser } from './review-page/browser.ts';
import { COMPLETE, HOSTILE, reviewDocument } from './review-page/document.ts';
import { OpenedPage, type Screen } from './review-page/opened-page.ts';

type Entry = ReviewDocument['exceptions'][number];

const DOCUMENT = reviewDocument(300);
const NAME = 'tbody .c-name button';
const [MARKUP, UNSEEN, LONG] = HOSTILE as readonly [Entry, Entry, Entry];

describe('the review page in Chromium', function () {
  this.timeout(120_000);
  let browser: Browser;
  let opened: OpenedPage;

  before(async function () {
    needs(this, 'browser', browserAvailable());
    browser = await startBrowser();
  });
  after(async () => {
    await (browser as Browser | undefined)?.close();
  });
  afterEach(async () => {
    await (opened as OpenedPage | undefined)?.close();
  });

  async function open(document = DOCUMENT, screen?: Screen): Promise<void> {
    opened = await OpenedPage.open(browser, document, screen);
  }

  /** Whatever was done on the page: nothing left it, and the browser had nothing to complain about. */
  function assertQuiet(): void {
    assert.deepEqual(opened.complaints, []);
    assert.deepEqual(opened.requests, [opened.url]);
  }

  it('says of which cluster and instant it speaks, and counts groups and states', async () => {
    await open();
    assert.equal(await opened.text('h1'), 'Signing exceptions');
    assert.equal(await opened.text('.subject'), 'Review of prod-eu-1 at 2026-11-27 09:30 UTC');
    assert.equal(
      await opened.page.title(),
      'Signing exceptions of prod-eu-1, 2026-11-27 09:30 UTC',
    );
    for (const group of [
      'expiring',
      'expired-in-use',
      'unused',
      'renewed',
      'unapproved',
      'overdue',
    ]) {
      const members = DOCUMENT.exceptions.filter(({ groups }) => groups.some((g) => g === group));
      assert.ok(members.length > 0, group);
      assert.equal(await opened.text(`[data-group=${group}] .count`), `${members.length}`, group);
    }
    const states = new Map<string, number>();
    for (const { state } of DOCUMENT.exceptions) states.set(state, (states.get(state) ?? 0) + 1);
    const [all, ...totals] = (await opened.texts('.totals dd')).map(Number);
    assert.equal(all, 300);
    assert.deepEqual(
      totals,
      [...states.values()].sort((a, b) => b - a),
    );
    await opened.page.screenshot({ path: picture('light') });
    assertQuiet();
  });

  it('lists the first 200 rows, and all of them when asked', async () => {
    await open();
    assert.equal(await opened.count('tbody'), 200);
    await opened.press('.note button', 'Show all');
    await opened.until(async () => (await opened.count('tbody')) === 300, 'all rows');
    assert.equal(await opened.count('.note button'), 0);
    assertQuiet();
  });

  it('shows hostile values as the text that they are', async () => {
    await open();
    await opened.search('hostile');
    await opened.listed(`${HOSTILE.length} of 300 exceptions listed.`);
    await openAllRows();
    const details = await detailsOf('markup');
    const { reason, owner, ticket, risk, stateMessage, compensatingControls } = MARKUP;
    for (const text of [reason, owner, ticket, risk, stateMessage, ...compensatingControls])
      assert.ok(text !== undefined && details.includes(text), text);
    assert.equal(await opened.ask('typeof window.broken'), 'undefined');
    assert.equal(
      await opened.count('#page :is(script, img, b, iframe, style, [onerror], [onload])'),
      0,
    );
    assert.equal(await opened.count('script'), 2);
    await opened.page.screenshot({ path: picture('hostile'), fullPage: true });
    assertQuiet();
  });

  it('writes out what could not be seen, and lets other scripts stay', async () => {
    await open();
    await opened.search('unseen');
    await opened.listed('1 of 300 exceptions listed.');
    await openAllRows();
    const details = await detailsOf('unseen');
    for (const text of ['\\u{1b}[31mred', 'bell \\u{7}', 'null \\u{0}', 'line\\u{2028}separator'])
      assert.ok(details.includes(text), text);
    assert.ok(
      details.includes('alice\\u{202e}gnp.exe@moc.elpmaxe\\u{202c} and \\u{200b}widthless'),
    );
    assert.ok(details.includes(UNSEEN.requestedBy));
    const unseen = '[\\u0000-\\u0008\\u001b\\u200b\\u202a-\\u202e\\u2028\\u2029]';
    assert.equal(
      await opened.ask(`/${unseen}/.test(document.getElementById('page').textContent)`),
      false,
    );
    assertQuiet();
  });

  it('makes links only of tickets in the web, and tells them nothing', async () => {
    await open();
    await opened.search('hostile');
    await opened.listed(`${HOSTILE.length} of 300 exceptions listed.`);
    await openAllRows();
    const links = await opened.ask<string[]>('[...document.links].map(({ href }) => href)');
    assert.deepEqual(links, [new URL(LONG.ticket ?? '').href]);
    await opened.press('.fields > button', 'Clear filters');
    await opened.search('api-cve-184');
    await opened.listed('1 of 300 exceptions listed.');
    await openAllRows();
    assert.deepEqual(await opened.attributes('#page a', 'href'), [ticketOf('api-cve-184')]);
    assert.deepEqual(await opened.attributes('#page a', 'rel'), ['noreferrer noopener']);
    assertQuiet();
  });

  it('keeps very long words inside the window, on a small screen, too', async () => {
    for (const width of [1360, 420]) {
      await open(DOCUMENT, { width, height: 800 });
      await opened.search('long');
      await openAllRows();
      const wide = await opened.ask<number>('document.documentElement.scrollWidth');
      assert.ok(wide <= width, `${wide} in ${width}`);
      await opened.page.screenshot({ path: picture(`long-words-${width}`) });
      assertQuiet();
      if (width === 1360) await opened.close();
    }
  });

  it('filters by text, by groups and by facets, all together', async () => {
    await open();
    const listed = async (passes: (entry: Entry) => boolean): Promise<void> => {
      const passing = DOCUMENT.exceptions.filter(passes);
      assert.ok(passing.length > 0 && passing.length < 200, `${passing.length}`);
      await opened.listed(`${passing.length} of 300 exceptions listed.`);
      const names = await opened.texts(NAME);
      assert.deepEqual([...names].sort(), passing.map(({ name }) => name).sort());
    };
    const isCve = ({ name }: Entry): boolean => name.includes('-cve-');
    const inGroups = ({ groups }: Entry): boolean =>
      groups.includes('expiring') || groups.includes('unapproved');
    await opened.page.focus('input[type=search]');
    await opened.page.keyboard.type('-cve- TRACKER');
    await listed((entry) => isCve(entry) && entry.ticket?.includes('tracker') === true);
    await opened.search('-cve-');
    await listed(isCve);
    await opened.press('[data-group=expiring]');
    await opened.press('[data-group=unapproved]');
    await listed((entry) => isCve(entry) && inGroups(entry));
    assert.deepEqual(await opened.attributes('[aria-pressed=true]', 'data-group'), [
      'unapproved',
      'expiring',
    ]);
    await opened.page.screenshot({ path: picture('filtered') });
    await opened.page.select('select[name=namespace]', 'identity');
    await opened.page.select('select[name=policy]', 'base-images');
    await opened.page.select('select[name=class]', 'Planned');
    await opened.page.select('select[name=state]', 'InEffect');
    await listed(
      (entry) =>
        isCve(entry) &&
        inGroups(entry) &&
        entry.namespace === 'identity' &&
        entry.policy === 'base-images' &&
        entry.class === 'Planned' &&
        entry.state === 'InEffect',
    );
    await opened.press('.fields > button', 'Clear filters');
    await opened.listed('300 exceptions listed.');
    assertQuiet();
  });

  it('sorts by every column, by mouse and by keyboard, and says so', async () => {
    await open();
    await opened.search('ledger sha256');
    await opened.until(async () => (await opened.count('tbody')) < 60, 'fewer rows');
    const heads = await opened.texts('thead button');
    assert.equal(heads.length, 12);
    for (const [index, head] of heads.entries()) {
      await opened.press('thead button', head);
      await opened.until(async () => (await sorting(index)) === 'ascending', `${head} ascending`);
      assert.equal(
        await opened.count('thead [aria-sort=ascending], thead [aria-sort=descending]'),
        1,
      );
      await opened.page.keyboard.press('Enter');
      await opened.until(async () => (await sorting(index)) === 'descending', `${head} descending`);
    }
    await opened.press('thead button', 'Until');
    await opened.until(
      async () => (await sorting(heads.indexOf('Until'))) === 'ascending',
      'Until',
    );
    const instants = await opened.attributes('tbody .c-expiresAt time', 'datetime');
    assert.ok(instants.length > 20);
    assert.deepEqual(instants, [...instants].sort());
    assertQuiet();
  });

  it('opens and closes a row by the keyboard, with everything that is known', async () => {
    await open({ ...DOCUMENT, exceptions: [COMPLETE] });
    await opened.page.focus(NAME);
    await opened.page.keyboard.press('Enter');
    await opened.until(async () => (await opened.count('.details')) === 1, 'details');
    assert.deepEqual(await opened.attributes(NAME, 'aria-expanded'), ['true']);
    assert.deepEqual(
      await opened.attributes(NAME, 'aria-controls'),
      await opened.attributes('.details', 'id'),
    );
    const labels = await opened.texts('.details dt');
    const facts = await opened.ask<string[]>(
      `[...document.querySelectorAll('.details dd')].map((each) => each.innerText.replace(/\\n+/g, ' | '))`,
    );
    assert.deepEqual(Object.fromEntries(labels.map((label, index) => [label, facts[index]])), {
      Reason: 'First line of the reason. | Second line of the reason.',
      Risk: 'What may go wrong.',
      'Compensating controls': 'First control. | Second control.',
      'Can go when': 'When it can go.',
      'May be renewed when': 'When it may be renewed.',
      Reviews:
        '2026-11-23 10:00 UTC by first-reviewer@example.com: First comment. | 2026-11-26 11:00 UTC by second-reviewer@example.com',
      State: 'Earlier incident: the earlier incident other is not approved yet',
      Findings:
        'Overdue: not reviewed in time, or an incident never approved | Renewed: twice or more',
      Window: '2026-11-24 07:15 UTC to 2026-11-25 06:45:30 UTC (ended 2 d ago)',
      Approval: 'Approved by approver@example.com',
      Ticket: COMPLETE.ticket,
      Owner: COMPLETE.owner,
      'Requested by': COMPLETE.requestedBy,
      Created: '2026-11-24 06:59 UTC',
      Renews: COMPLETE.renews,
      Follows: '3 earlier exceptions',
      Requirements: 'signed-by-us | sbom-present',
      'Service accounts': 'first-account | second-account',
      Digests: COMPLETE.digests.join(' | '),
      Usage: 'First seen 2026-11-21, last seen 2026-11-22; 17 workloads now',
      'Digests that ran': COMPLETE.usage.digests.join(''),
    });
    assert.deepEqual(await opened.texts('.row > *'), [
      ...[
        'complete',
        'everything',
        'OverdueRenewed',
        'Earlier incident',
        'some-policy',
        'Incident',
      ],
      ...[
        'Approved',
        'owner@example.com',
        '2026-11-2407:15, 3 d ago',
        '2026-11-2506:45:30, 2 d ago',
      ],
      ...['2026-11-22', '3'],
    ]);
    await opened.page.screenshot({ path: picture('details') });
    await opened.page.keyboard.press('Space');
    await opened.until(async () => (await opened.count('.details')) === 0, 'closed');
    assertQuiet();
  });

  it('draws the windows of what is listed, with state as text, pattern and colour', async () => {
    await open();
    assert.equal(await opened.count('.rows .bar'), 60);
    assert.equal(
      await opened.text('.timeline .note'),
      'The first 60 windows of 300 in the order of the table; filter or sort to see others.',
    );
    assert.equal(await opened.text('.instant-label'), '2026-11-27 09:30 UTC');
    await opened.search('revoked');
    await opened.until(async () => (await opened.count('.rows .bar')) < 60, 'fewer windows');
    assert.equal(await opened.count('.timeline .note'), 0);
    const states = await opened.texts('.rows .state');
    assert.ok(states.length > 5 && states.every((state) => state.startsWith('Revoked')));
    const fills = await opened.attributes('.rows .bar', 'fill');
    assert.deepEqual(new Set(fills), new Set(['url(#fill-revoked)']));
    await opened.page.screenshot({ path: picture('timeline') });
    assertQuiet();
  });

  it('prints what is listed with all details, black on white, without controls', async () => {
    await open(reviewDocument(210));
    await opened.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    await opened.page.emulateMediaType('print');
    await opened.until(async () => (await opened.count('.details')) === 210, 'details of all');
    const [body, filters] = [await opened.look('body'), await opened.look('.filters')];
    assert.deepEqual([body.color, body.background], ['rgb(0, 0, 0)', 'rgb(255, 255, 255)']);
    assert.equal(filters.display, 'none');
    assert.equal(await opened.text('main > .print-only'), 'All 210 exceptions.');
    await opened.page.emulateMediaType('screen');
    await opened.until(async () => (await opened.count('.details')) === 0, 'closed again');
    assertQuiet();
  });

  it('makes a document of several sheets', async () => {
    await open(DOCUMENT, { width: 1040, height: 735 });
    await opened.press('[data-group=expired-in-use]');
    await opened.until(async () => (await opened.count('tbody')) < 20, 'fewer rows');
    const rows = await opened.count('tbody');
    await opened.ask(
      `addEventListener('beforeprint', () => { window.onPaper = document.querySelectorAll('.details').length; })`,
    );
    const sheets = Buffer.from(
      await opened.page.pdf({ preferCSSPageSize: true, path: 'reports/e2e/review-page/paper.pdf' }),
    );
    assert.equal(sheets.subarray(0, 5).toString(), '%PDF-');
    assert.ok((sheets.toString('latin1').match(/\/Type\s*\/Page\b/g) ?? []).length >= 5);
    assert.equal(await opened.ask('window.onPaper'), rows);
    await opened.page.emulateMediaType('print');
    await opened.until(async () => (await opened.count('.details')) === rows, 'as on paper');
    assert.deepEqual(await opened.faint(), []);
    await opened.page.screenshot({ path: picture('paper'), fullPage: true });
    assertQuiet();
  });

  it('can be read in the light and in the dark', async () => {
    await open();
    const [name] = await opened.texts(NAME);
    await opened.press(NAME, name);
    await opened.press('[data-group=unapproved]');
    assert.equal((await opened.look('body')).background, 'rgb(255, 255, 255)');
    assert.deepEqual(await opened.faint(), []);
    await opened.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    assert.equal((await opened.look('body')).background, 'rgb(20, 24, 29)');
    assert.deepEqual(await opened.faint(), []);
    await opened.page.screenshot({ path: picture('dark') });
    assertQuiet();
  });

  it('has landmarks, a name for every control, and shows where the focus is', async () => {
    await open();
    for (const landmark of ['main', '.page > header', '.page > footer', 'h1', '[role=search]'])
      assert.equal(await opened.count(landmark), 1, landmark);
    const tree = await opened.page.accessibility.snapshot();
    const controls = nodesOf(tree).filter(({ role }) =>
      ['button', 'searchbox', 'combobox', 'link'].includes(role),
    );
    assert.ok(controls.length > 100, `${controls.length}`);
    assert.deepEqual(
      controls.filter(({ name }) => name === undefined || name === ''),
      [],
    );
    await opened.page.keyboard.press('Tab');
    assert.equal(await opened.ask('document.activeElement.dataset.group'), 'expired-in-use');
    assert.match(await opened.ask('getComputedStyle(document.activeElement).outline'), /2px/);
    assertQuiet();
  });

  it('has a plain table where scripts do not run', async () => {
    await open(DOCUMENT, { width: 1360, height: 900, scripts: false });
    const tree = await opened.page.accessibility.snapshot();
    const text = JSON.stringify(tree);
    assert.ok(text.includes('hostile') && text.includes('api-cve-184'));
    assert.ok(text.includes('</script><script>window.broken = 1</script>'));
    await opened.page.screenshot({ path: picture('without-scripts') });
    assertQuiet();
  });

  for (const count of [0, 1, 2000])
    it(`works with ${count} exceptions`, async () => {
      await open(reviewDocument(count));
      assert.equal(await opened.count('tbody'), Math.min(count, 200));
      assert.equal(await opened.count('.rows .bar'), Math.min(count, 60));
      assert.equal(
        (await opened.texts('.note')).filter((note) => note === 'No exception is listed.').length,
        count === 0 ? 2 : 0,
      );
      await opened.search('x');
      await opened.page.screenshot({ path: picture(`${count}-exceptions`) });
      assertQuiet();
    });

  it('lets nothing out and nothing in: markup, styles, scripts and addresses are refused', async () => {
    await open(reviewDocument(1));
    const refused = await opened.ask(`(async () => {
      const tried = {};
      try { document.body.innerHTML = '<b>x</b>'; tried.markup = 'taken'; } catch { tried.markup = 'refused'; }
      await fetch('https://collector.example/').then(() => { tried.fetch = 'sent'; }, () => { tried.fetch = 'refused'; });
      const image = new Image();
      image.src = 'https://collector.example/x.png';
      await new Promise((done) => { image.onerror = done; image.onload = done; });
      const bold = document.createElement('p');
      bold.setAttribute('style', 'color: rgb(1, 2, 3)');
      document.body.append(bold);
      tried.style = getComputedStyle(bold).color === 'rgb(1, 2, 3)' ? 'taken' : 'refused';
      return tried;
    })()`);
    assert.deepEqual(refused, { markup: 'refused', fetch: 'refused', style: 'refused' });
    const violated = ['require-trusted-types-for', 'connect-src', 'img-src', 'style-src-attr'];
    for (const directive of violated) {
      const told = `error: violates ${directive}`;
      await opened.until(() => Promise.resolve(opened.complaints.includes(told)), told);
    }
    assert.deepEqual(opened.requests, [opened.url]);
  });

  async function openAllRows(): Promise<void> {
    const rows = await opened.count(NAME);
    await opened.ask(
      `document.querySelectorAll(${JSON.stringify(NAME)}).forEach((each) => each.click())`,
    );
    await opened.until(async () => (await opened.count('.details')) === rows, 'all details');
  }

  async function detailsOf(name: string): Promise<string> {
    const index = (await opened.texts(NAME)).indexOf(name);
    return (await opened.texts('.details'))[index] ?? '';
  }

  async function sorting(column: number): Promise<string | null | undefined> {
    return (await opened.attributes('thead th', 'aria-sort'))[column];
  }
});

function ticketOf(name: string): string | undefined {
  return DOCUMENT.exceptions.find((entry) => entry.name === name)?.ticket;
}

function nodesOf(node: SerializedAXNode | null): readonly SerializedAXNode[] {
  return node === null ? [] : [node, ...(node.children ?? []).flatMap(nodesOf)];
}
