/** Registrations over HTTP, against the same statements behind a server that has nothing of ours in it. */
import { randomUUID } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { serialize } from 'node:v8'
import type { Script } from './bare-server.ts'
import { seededRandom } from './companies.ts'
import type { Ground } from './ground.ts'
import { createSender, type Post, type ServerProcess, startBareServer, startProduct } from './processes.ts'
import { recordStatements } from './recording.ts'
import type { Scale } from './scale.ts'
import { companies, type Installation, openService, seedInstallation, seedRegistrations } from './seeding.ts'
import { type Driven, driveAtOnce, inTurns, median, percentile, ratioOf, summarise } from './turns.ts'

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

interface Contestants {
  readonly product: () => Promise<Driven>
  readonly bare: () => Promise<Driven>
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
  const bareUrl = await ground.copy(`seeded_${existing}`, `bare_${existing}`)
  const scripts = await recordScripts(await ground.copy(`seeded_${existing}`, `recorded_${existing}`), posts)
  await ground.drop(`recorded_${existing}`)
  const file = join(ground.folder, `scripts-${existing}`)
  writeFileSync(file, serialize(scripts))
  const bare = await startBareServer(bareUrl, file)
  const product = await startProduct(template)
  return {
    bare: turnsAt(bare, posts, perTurn),
    product: turnsAt(product, posts, perTurn),
    statementsEach: median(scripts.map(({ statements }) => statements.length)),
    async close() {
      await product.stop()
      await bare.stop()
      rmSync(file)
    },
  }
}

/** Each call sends the next `perTurn` of the posts. */
function turnsAt({ url }: ServerProcess, posts: readonly Post[], perTurn: number): () => Promise<Driven> {
  const { post } = createSender(url, connections)
  let from = 0
  return async () => {
    const some = posts.slice(from, from + perTurn)
    from += perTurn
    return driveAtOnce(some.length, connections, async (index) => {
      const given = some[index]
      if (given) await post(given)
    })
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
      productMany: many.product,
      bareMany: many.bare,
    })
    const rates = (turns: readonly Driven[]) => turns.map(({ perSecond }) => perSecond)
    const middles = (turns: readonly Driven[]) => turns.map(({ latenciesMs }) => percentile(latenciesMs, 0.5))
    return {
      connections,
      sizes: [
        {
          existing: fewer,
          statementsEach: few.statementsEach,
          product: summarise(results.productFew),
          sameStatementsBare: summarise(results.bareFew),
          ratio: ratioOf(rates(results.productFew), rates(results.bareFew)),
          goal: '>= 0.6',
        },
        {
          existing: more,
          statementsEach: many.statementsEach,
          product: summarise(results.productMany),
          sameStatementsBare: summarise(results.bareMany),
          ratio: ratioOf(rates(results.productMany), rates(results.bareMany)),
          goal: '>= 0.6',
        },
      ],
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
