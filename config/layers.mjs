/**
 * Who may import whom, as an allow-list: what is not said here is an error. Change it in one deliberate step, with the
 * rooms of the house in mind; do not add a line to let one import pass.
 */

/** Capabilities from low to high: a file may know those below its own folder, never one beside or above it. */
const order = [
  ['customers', 'products', 'audit'],
  ['partners', 'ledger'],
  ['notifications', 'conflicts', 'incentives'],
  ['deals', 'webhooks'],
  ['payouts'],
  ['imports'],
]
const capabilities = order.flat()
const anyOf = (names) => `(${names.join('|')})`
const below = (level) => order.slice(0, level).flat()

/** The rooms of a capability, told by the end of a file's name; what has none of these names is pure. */
const rooms = {
  store: '-store',
  useCases: '-use-cases',
  routes: '-routes',
  /** What goes over the wire: schemas that several routes share. */
  wire: '-(wire|schemas)',
  entity: '-entity',
  mailer: '-mailer',
  /** Parts of use-cases that several of them share. */
  steps: '-step',
}
const named = (...kinds) => `[^/]+${anyOf(kinds)}\\.ts$`
const pure = `(?!${named(...Object.values(rooms))})[^/]+\\.ts$`

const packages = (...names) => `^node_modules/(@types/)?${anyOf(names)}/`
const allow = (from, ...to) => ({ from: { path: from }, to: { path: to } })

/** Where each outside library is at home. */
const libraries = [
  allow('^(src|connectors|mappings|jobs|config)/', packages('zod')),
  allow('^src/kernel/', packages('temporal-polyfill', 'uuid')),
  allow('^src/database/', packages('pg', 'kysely', 'tar-stream')),
  allow(`^(src|jobs)/.*${named('-store')}`, packages('kysely')),
  allow(
    '^src/(http/|[^/]+\\.ts$)',
    packages('fastify', 'fastify-type-provider-zod', '@fastify/[^/]+', 'prom-client'),
  ),
  allow('^src/customers/', packages('tldts', 'i18n-iso-countries', 'libphonenumber-js')),
  allow('^src/conflicts/company-name\\.ts$', packages('any-ascii')),
  allow(`^src/notifications/${named(rooms.mailer)}`, packages('nodemailer')),
  allow('^src/webhooks/', packages('standardwebhooks')),
  allow('^src/(imports|payouts|sync/attribution)/', packages('csv-parse', 'csv-stringify')),
  allow('^jobs/', packages('bull', 'ioredis', 'node-cron')),
  allow('^config/logger\\.ts$', packages('pino')),
  allow('^config/vitest\\.ts$', packages('vitest')),
  allow('^src/connections/secret-box\\.ts$', packages('jose')),
  allow('^connectors/salesforce/', packages('jsforce', 'jose')),
  allow('^connectors/hubspot/', packages('@hubspot/api-client')),
  allow('^connectors/dynamics/', packages('@microsoft/microsoft-graph-client', 'jose')),
]

/** Hashing and reading addresses are calculations; files, processes and sockets are not for rules. */
const platform = [
  { from: { path: '^src/' }, to: { dependencyTypes: ['core'], path: '^(crypto|url)$' } },
  { from: { path: '^src/imports/' }, to: { dependencyTypes: ['core'], path: '^stream$' } },
  {
    from: { path: '^(src/(database/|http/|[^/]+\\.ts$)|connectors/|mappings/|jobs/|config/)' },
    to: { dependencyTypes: ['core'] },
  },
]

/** A command is a small composition root of its own, beside what it commands. */
const command = '^src/.*-command\\.ts$'
const commands = [
  allow(command, '^src/', '^config/'),
  { from: { path: command }, to: { dependencyTypes: ['core'] } },
]

const capabilityRules = order.flatMap((names, level) => {
  const lower = level === 0 ? [] : [`^src/${anyOf(below(level))}/${pure}`]
  const lowerUseCases = level === 0 ? [] : [`^src/${anyOf(below(level))}/${named(rooms.useCases)}`]
  const from = `^src/(${names.join('|')})/`
  const own = (kind) => `^src/$1/${kind}`
  return [
    allow(`${from}${pure}`, own(pure), ...lower),
    allow(
      `${from}${named(rooms.store)}`,
      own(pure),
      own(named(rooms.store)),
      ...lower,
      '^src/database/[^/]+\\.ts$',
    ),
    allow(
      `${from}${named(rooms.useCases, rooms.steps, rooms.entity)}`,
      own(pure),
      own(named(rooms.store, rooms.useCases, rooms.steps)),
      ...lower,
      ...lowerUseCases,
      '^src/database/(audit|database|keyset|outage|uniqueness)\\.ts$',
    ),
    allow(
      `${from}${named(rooms.routes)}`,
      own(pure),
      own(named(rooms.useCases, rooms.routes, rooms.wire)),
      ...lower,
      '^src/http/',
    ),
    allow(
      `${from}${named(rooms.wire)}`,
      own(pure),
      own(named(rooms.wire)),
      ...lower,
      '^src/http/codecs\\.ts$',
    ),
    allow(`${from}${named(rooms.mailer)}`, own(pure)),
  ]
})

/** What speaks with a CRM: holds connectors and runs units of work of its own. Connections know nothing of the engine. */
const engine = '^src/(connections|sync)/'
const engineRules = [
  allow(
    engine,
    '^src/$1/',
    '^src/database/[^/]+\\.ts$',
    '^connectors/[^/]+\\.ts$',
    '^mappings/',
    '^config/(env|logger)\\.ts$',
  ),
  allow(
    engine,
    `^src/${anyOf(capabilities)}/${pure}`,
    `^src/${anyOf(capabilities)}/${named(rooms.useCases)}`,
  ),
  allow(`${engine}.*${named(rooms.routes, rooms.wire)}`, '^src/http/'),
  allow('^src/sync/', '^src/connections/'),
]

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-cycle-of-folders',
      severity: 'error',
      scope: 'folder',
      from: { pathNot: '^test(/|$)' },
      to: { circular: true },
    },
    { name: 'not-found', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'only-in-tests',
      comment: 'What the product imports must be there after npm ci --omit=dev.',
      severity: 'error',
      from: { pathNot: '^(test/|config/vitest\\.ts$)' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  allowed: [
    ...libraries,
    ...platform,
    ...commands,
    allow('^src/kernel/', '^src/kernel/'),
    allow('^(src|connectors|mappings|jobs)/', '^src/kernel/'),
    allow('^src/database/', '^src/database/', '^config/secret-keys\\.ts$'),
    allow('^src/http/', '^src/http/', '^src/database/[^/]+\\.ts$', '^config/logger\\.ts$'),
    ...capabilityRules,
    ...engineRules,
    // The composition root.
    allow('^src/[^/]+\\.ts$', '^(src|connectors|mappings|jobs|config)/'),
    // Vendors know nothing of each other; what they share knows nothing of them.
    allow(
      '^connectors/([^/]+)/',
      '^connectors/$1/',
      '^connectors/wire/',
      '^connectors/(connector|fault|setup)\\.ts$',
    ),
    allow('^connectors/[^/]+\\.ts$', '^connectors/'),
    allow('^mappings/', '^mappings/', '^connectors/(connector|setup)\\.ts$'),
    allow('^jobs/', '^jobs/', '^src/database/[^/]+\\.ts$', '^config/logger\\.ts$'),
    allow('^config/', '^config/'),
    allow('^test/', '.+'),
  ],
  allowedSeverity: 'error',
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: '^node_modules/' },
    exclude: { path: '^src/portal/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
}
