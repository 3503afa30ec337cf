# Debian, not Alpine: the embedded PostgreSQL needs glibc. Run with --init (compose: init: true), so that processes left by
# a killed database server are reaped.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The base brings Node, and no production dependency needs its install script.
RUN npm ci --omit=dev --ignore-scripts --no-progress

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    DATA_FOLDER=/data
WORKDIR /app
RUN install --directory --owner=node --group=node --mode=0750 /data
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY config ./config
COPY connectors ./connectors
COPY jobs ./jobs
COPY mappings ./mappings
COPY src ./src
USER node
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 3000) + '/livez').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Node itself, not npm: a stop reaches the process that has to finish its work.
CMD ["node", "src/main.ts"]
