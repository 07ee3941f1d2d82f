// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { options } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** Whether the page is on its way to paper. */
export function usePrinting(): boolean {
  const [printing, setPrinting] = useState(false);
  useEffect(() => {
    const media = window.matchMedia('print');
    const begin = (): void => atOnce(() => setPrinting(true));
    const end = (): void => atOnce(() => setPrinting(media.matches));
    const listening = new AbortController();
    const { signal } = listening;
    media.addEventListener('change', end, { signal });
    window.addEventListener('beforeprint', begin, { signal });
    window.addEventListener('afterprint', end, { signal });
    return () => listening.abort();
  }, []);
  return printing;
}

/** Renders before it returns: the browser lays the paper out as soon as the event is over. */
function atOnce(change: () => void): void {
  options.debounceRendering = (render) => render();
  change();
  delete options.debounceRendering;
}
