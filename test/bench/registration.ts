/** Registrations over HTTP, against the same statements behind a server that has nothing of ours in it. */
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { serialize } from 'node:v8'
import { query } from '#test/support/sql.ts'
import type { Script } from './bare-server.ts'
import { seededRandom } from './companies.ts'
import { backendsOf, cpuMsOf } from './cpu.ts'
import type { Ground } from './ground.ts'
import { createSender, type Post, type ServerProcess, startBareServer, startProduct } from './processes.ts'
import { recordStatements } from './recording.ts'
import type { Scale } from './scale.ts'
import { companies, type Installation, openService, seedInstallation, seedRegistrations } from './seeding.ts'
import { type Driven, driveAtOnce, inTurns, median, percentile, ratioOf, round2, summarise } from './turns.ts'

const connections = 16
/** One registration in four concerns a company that is known already. */
const knownShare = 0.25

/** Registration number `index` of a turn at a database with `existing` of them. */
function registrationAt(installation: Installation, existing: number, index: number): Post {
  const random = seededRandom(existing + index)
  const known = random() < knownShare
  const company = known
    ? companies.retype(companies.companyAt(Math.floor(random() * existing)), random)
    : companies.companyAt(existing + index)
  const partner = installation.partners[Math.floor(random() * installation.partners.length)]
  return {
    path: '/api/v1/deals',
    headers: {
      authorization: `Bearer ${partner?.token}`,
      'content-type': 'application/json',
      'idempotency-key': randomUUID(),
    },
    body: JSON.stringify({
      programmeId: installation.programmeId,
      companyName: company.name,
      domain: company.domain,
      country: company.country,
      city: company.city,
      contactName: 'Robin Meyer',
      contactEmail: company.domain ? `robin.meyer@${company.domain}` : 'robin.meyer@gmail.com',
      need: 'Replace the old shop platform before the next season starts',
      amountMinor: '5000000',
      currency: 'EUR',
      expectedCloseDate: '2027-03-31',
      products: [{ productId: installation.productId }],
      registrationType: 'resale',
      submit: true,
    }),
  }
}

/** What the service sends to the database for each of these registrations, and what it answers. */
async function recordScripts(url: string, posts: readonly Post[]): Promise<Script[]> {
  const service = await openService(url)
  const recording = recordStatements(service.database.pool)
  try {
    const scripts: Script[] = []
    for (const { path, body, headers } of posts) {
      recording.take()
      const answer = await service.server.inject({ method: 'POST', url: path, headers, payload: body })
      if (answer.statusCode !== 201) throw new Error(`A registration was refused: ${answer.body}`)
      scripts.push({ statements: recording.take(), answer: answer.body })
    }
    return scripts
  } finally {
    await service.close()
  }
}

const writes = /\b(?:insert into|update|delete from)\b/i
const searchesClaims = /\bclaim_key\b[\s\S]*\blimit\b/i

/** Only what has to be written, in one transaction, after one search for candidates. */
function leastOf({ statements, answer }: Script): Script {
  const search = statements.find(({ text }) => searchesClaims.test(text) && !writes.test(text))
  if (!search) throw new Error('The search for candidates is not among the statements')
  return {
    statements: [
      { text: 'begin; set local role counterpart_system', values: [] },
      search,
      ...statements.filter(({ text }) => writes.test(text)),
      { text: 'commit', values: [] },
    ],
    answer,
  }
}

interface Contestants {
  readonly product: () => Promise<Turn>
  readonly bare: () => Promise<Turn>
  readonly least: () => Promise<Turn>
  readonly leastStatementsEach: number
  readonly statementsEach: number
  close(): Promise<void>
}

async function prepare(
  ground: Ground,
  installation: Installation,
  existing: number,
  { registration: { perTurn, rounds } }: Scale,
): Promise<Contestants> {
  const template = await ground.copy('installation', `seeded_${existing}`)
  await seedRegistrations(template, installation, existing)
  // One turn more than counts, to warm up.
  const posts = Array.from({ length: perTurn * (rounds + 1) }, (_, index) =>
    registrationAt(installation, existing, index),
  )
  const recordedUrl = await ground.copy(`seeded_${existing}`, `recorded_${existing}`)
  const scripts = await recordScripts(recordedUrl, posts)
  await ground.drop(`recorded_${existing}`)
  const startBare = async (name: string, given: readonly Script[]) => {
    const file = join(ground.folder, `${name}-${existing}`)
    writeFileSync(file, serialize(given))
    const url = await ground.copy(`seeded_${existing}`, `${name}_${existing}`)
    // Recorded one after the other, replayed at once: what joined a case may come before what opened it.
    await query(
      url,
      `do $$ declare one record; begin
         for one in select conrelid::regclass as owner, conname from pg_constraint
                    where contype = 'f' and confrelid = 'conflict_case'::regclass loop
           execute format('alter table %s drop constraint %I', one.owner, one.conname);
         end loop;
       end $$`,
    )
    return startBareServer(url, file)
  }
  const leastScripts = scripts.map(leastOf)
  const bare = await startBare('bare', scripts)
  const least = await startBare('least', leastScripts)
  const product = await startProduct(template)
  const statementsIn = (given: readonly Script[]) => median(given.map(({ statements }) => statements.length))
  return {
    product: turnsAt(product, posts, perTurn),
    bare: turnsAt(bare, posts, perTurn),
    least: turnsAt(least, posts, perTurn),
    statementsEach: statementsIn(scripts),
    leastStatementsEach: statementsIn(leastScripts),
    async close() {
      for (const server of [product, bare, least]) await server.stop()
    },
  }
}

/** What one request costs in processor time, which says more than the clock where others use the machine too. */
interface Turn extends Driven {
  readonly serverCpuMs: number
  readonly databaseCpuMs: number
}

async function cpuOf({ processId, databaseUrl }: ServerProcess) {
  return {
    server: cpuMsOf([processId]) ?? Number.NaN,
    database: cpuMsOf(await backendsOf(databaseUrl)) ?? Number.NaN,
  }
}

/** Each call sends the next `perTurn` of the posts. */
function turnsAt(server: ServerProcess, posts: readonly Post[], perTurn: number): () => Promise<Turn> {
  let from = 0
  return async () => {
    const some = posts.slice(from, from + perTurn)
    from += perTurn
    // Connections of its own for each turn: those of the last one may be closed by now.
    const { post, close } = createSender(server.url, connections)
    const before = await cpuOf(server)
    const driven = await driveAtOnce(some.length, connections, async (index) => {
      const given = some[index]
      if (given) await post(given)
    })
    close()
    const after = await cpuOf(server)
    return {
      ...driven,
      serverCpuMs: (after.server - before.server) / perTurn,
      databaseCpuMs: (after.database - before.database) / perTurn,
    }
  }
}

export async function benchRegistration(ground: Ground, scale: Scale) {
  const installation = await seedInstallation(await ground.create('installation'))
  const { fewer, more, rounds } = scale.registration
  const few = await prepare(ground, installation, fewer, scale)
  const many = await prepare(ground, installation, more, scale)
  try {
    const results = await inTurns(rounds, {
      productFew: few.product,
      bareFew: few.bare,
      leastFew: few.least,
      productMany: many.product,
      bareMany: many.bare,
      leastMany: many.least,
    })
    const middles = (turns: readonly Turn[]) => turns.map(({ latenciesMs }) => percentile(latenciesMs, 0.5))
    return {
      connections,
      atFewer: report(fewer, few, results.productFew, results.bareFew, results.leastFew),
      atMore: report(more, many, results.productMany, results.bareMany, results.leastMany),
      growth: {
        what: `time of one registration at ${more} against ${fewer}`,
        ratio: ratioOf(middles(results.productMany), middles(results.productFew)),
        goal: '<= 2',
      },
    }
  } finally {
    await few.close()
    await many.close()
  }
}

function report(
  existing: number,
  { statementsEach, leastStatementsEach }: Contestants,
  product: readonly Turn[],
  bare: readonly Turn[],
  least: readonly Turn[],
) {
  const rates = (turns: readonly Turn[]) => turns.map(({ perSecond }) => perSecond)
  const costs = (turns: readonly Turn[]) =>
    turns.map(({ serverCpuMs, databaseCpuMs }) => serverCpuMs + databaseCpuMs)
  return {
    existing,
    product: describe(product, statementsEach),
    sameStatementsBare: describe(bare, statementsEach),
    writesAndOneSearchBare: describe(least, leastStatementsEach),
    ratioToSameStatements: ratioOf(rates(product), rates(bare)),
    ratioToWritesAndOneSearch: ratioOf(rates(product), rates(least)),
    goal: '>= 0.6',
    processorTimeAgainstSameStatements: ratioOf(costs(product), costs(bare)),
    processorTimeAgainstWritesAndOneSearch: ratioOf(costs(product), costs(least)),
  }
}

const describe = (turns: readonly Turn[], statements: number) => ({
  ...summarise(turns),
  statements,
  serverCpuMs: round2(median(turns.map(({ serverCpuMs }) => serverCpuMs))),
  databaseCpuMs: round2(median(turns.map(({ databaseCpuMs }) => databaseCpuMs))),
})
