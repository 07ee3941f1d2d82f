# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 The Countersign Authors

# One image for operator and webhook. The context is what `make image` stages in out/image/app.
# BASE needs node 24 on its PATH or in /nodejs/bin, and nothing else: no shell, no package manager.
ARG BASE=gcr.io/distroless/nodejs24-debian13:nonroot
FROM ${BASE}
ENV PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin NODE_ENV=production
WORKDIR /app
COPY node_modules ./node_modules
COPY package.json ./
COPY dist ./dist
USER 65532:65532
ENTRYPOINT []
CMD ["node", "dist/operator/main.js"]
