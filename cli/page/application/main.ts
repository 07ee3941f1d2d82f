// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { h, render } from 'preact';
import type { ReviewDocument } from '../../exceptions/document.ts';
import { Review } from './review.ts';

const data = document.getElementById('document')?.textContent ?? '';
const place = document.getElementById('page');
// The same program wrote script and data into this file, so they agree.
if (place !== null) render(h(Review, { document: JSON.parse(data) as ReviewDocument }), place);
