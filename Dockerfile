# The admin port listens on 127.0.0.1 of the container; ADMIN_HOST=0.0.0.0 opens it to those who reach the container.
# The image of a node. It has no PostgreSQL of its own: DATABASE_URL must be set, and JWT_SECRET or JWKS_URL.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
# `npm test` checks the types.
RUN node node_modules/typescript/bin/tsc -p . --noCheck

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# The embedded PostgreSQL is optional.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 ADMIN_PORT=3001 DATA_DIR=/data
WORKDIR /app
COPY package.json ./
# Every npm script begins with it; here it finds nothing to do.
COPY scripts/bootstrap.mjs scripts/prepare.mjs scripts/
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=6 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ADMIN_PORT}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/main.js"]
