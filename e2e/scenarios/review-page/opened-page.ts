// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'puppeteer-core';
import { pageOf, type ReviewDocument } from '../../../cli/page/index.ts';
import { newDirectory, waitFor } from '../../harness/index.ts';
import { CONTRAST } from './contrast.ts';

/** What the screen is like. */
export interface Screen {
  readonly width: number;
  readonly height: number;
  /** Whether scripts run; they do unless told. */
  readonly scripts?: boolean;
}

/** What a style says about an element. */
export interface Look {
  readonly color: string;
  readonly background: string;
  readonly display: string;
}

const ROOMY: Screen = { width: 1360, height: 900 };
const WAIT_MS = 40_000;

/** The review page, opened as a file, with everything that it did but should not have done. */
export class OpenedPage {
  readonly page: Page;
  readonly url: string;
  /** Addresses that the page asked for; but the first, none is answered. */
  readonly requests: string[] = [];
  /** What the browser said to the console, and errors that nobody caught. */
  readonly complaints: string[] = [];

  private constructor(page: Page, url: string) {
    this.page = page;
    this.url = url;
  }

  /** Writes the page of a document and opens it. */
  static async open(
    browser: Browser,
    document: ReviewDocument,
    { width, height, scripts = true }: Screen = ROOMY,
  ): Promise<OpenedPage> {
    const file = join(newDirectory('review-page'), 'review.html');
    writeFileSync(file, pageOf(document));
    const opened = new OpenedPage(await browser.newPage(), pathToFileURL(file).href);
    await opened.#listen();
    await opened.page.setViewport({ width, height });
    await opened.page.setJavaScriptEnabled(scripts);
    await opened.page.goto(opened.url, { timeout: WAIT_MS });
    return opened;
  }

  async close(): Promise<void> {
    await this.page.close();
  }

  async #listen(): Promise<void> {
    const { page } = this;
    page.on('console', (message) => this.complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('dialog', (dialog) => {
      this.complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('popup', () => this.complaints.push('a window opened'));
    page.on('request', (request) => {
      this.requests.push(request.url());
      void (request.url() === this.url ? request.continue() : request.abort());
    });
    await page.setRequestInterception(true);
    await page.evaluateOnNewDocument(
      `addEventListener('securitypolicyviolation', (event) => console.error('violates ' + event.violatedDirective));`,
    );
  }

  /** The value of an expression in the page. */
  async ask<T>(expression: string): Promise<T> {
    return (await this.page.evaluate(expression)) as T;
  }

  /** The texts of all elements that match. */
  async texts(selector: string): Promise<readonly string[]> {
    return this.ask(`${all(selector)}.map((element) => element.textContent)`);
  }

  /** The text of the only element that matches. */
  async text(selector: string): Promise<string> {
    const texts = await this.texts(selector);
    const [text] = texts;
    if (text === undefined || texts.length > 1)
      throw new Error(`${texts.length} elements match ${selector}`);
    return text;
  }

  async count(selector: string): Promise<number> {
    return this.ask(`${all(selector)}.length`);
  }

  /** An attribute of all elements that match. */
  async attributes(selector: string, name: string): Promise<readonly (string | null)[]> {
    return this.ask(
      `${all(selector)}.map((element) => element.getAttribute(${JSON.stringify(name)}))`,
    );
  }

  async look(selector: string): Promise<Look> {
    return this.ask(`(() => {
      const { color, backgroundColor, display } = getComputedStyle(${all(selector)}[0]);
      return { color, background: backgroundColor, display };
    })()`);
  }

  /** Presses the first element with such a text, by the mouse. */
  async press(selector: string, text?: string): Promise<void> {
    const elements = await this.page.$$(selector);
    const texts = await this.texts(selector);
    const element = elements[text === undefined ? 0 : texts.indexOf(text)];
    if (element === undefined) throw new Error(`nothing to press: ${selector} ${text ?? ''}`);
    await element.click();
  }

  /** Replaces what is in the text filter, as if it were pasted. */
  async search(text: string): Promise<void> {
    await this.page.focus('input[type=search]');
    await this.page.keyboard.down('Control');
    await this.page.keyboard.press('a');
    await this.page.keyboard.up('Control');
    await this.page.keyboard.press('Delete');
    await this.page.keyboard.sendCharacter(text);
  }

  /** Waits until the page says that so many are listed. */
  async listed(text: string): Promise<void> {
    await this.until(async () => (await this.text('.listed')) === text, text);
  }

  async until(ask: () => Promise<boolean>, message: string): Promise<void> {
    await waitFor(ask, { timeoutMs: WAIT_MS, message });
  }

  /** Texts that are harder to read than WCAG AA allows. */
  async faint(): Promise<readonly string[]> {
    return this.ask(CONTRAST);
  }
}

function all(selector: string): string {
  return `[...document.querySelectorAll(${JSON.stringify(selector)})]`;
}
