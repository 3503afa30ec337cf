import type { RemoteRecord, RemoteValue } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import type { CompiledLine } from '#mappings/apply.ts'
import type { PeopleSource } from '#mappings/transforms/transform.ts'
import { syncActor } from '../ground/engine.ts'
import type { Lookup } from '../ground/workspace.ts'
import { knownUsers, type RemoteUser, rememberUsers } from '../memory/remote-user-store.ts'
import type { Item, Round } from './round.ts'

/** Looks up the people whom records of ours name, so that translating them only looks at what is known. */
export async function lookUpPeople(round: Round, items: readonly Item[], lookup: Lookup): Promise<void> {
  for (const { line, source } of peopleLines(round)) {
    const wanted = items.filter(({ link }) => line.line.flow !== 'create' || link?.state !== 'active')
    const emails = wanted.flatMap(({ local }) => textOf(local.fields[line.name])?.toLowerCase() ?? [])
    await learn(round, source, { emails, ids: [] }, lookup)
  }
}

/** The same for the people whom records of theirs name. */
export async function lookUpTheirPeople(
  round: Round,
  contents: readonly Readonly<Record<string, RemoteValue>>[],
  lookup: Lookup,
): Promise<void> {
  for (const { line, source } of peopleLines(round)) {
    if (line.line.flow === 'create') continue
    const ids = contents.flatMap((content) => textOf(content[line.names.remote[0]]) ?? [])
    await learn(round, source, { emails: [], ids }, lookup)
  }
}

const peopleLines = ({ mapped }: Round): { line: CompiledLine; source: PeopleSource }[] =>
  mapped.mapping.lines.flatMap((line) =>
    line.transform.people ? [{ line, source: line.transform.people }] : [],
  )

async function learn(
  round: Round,
  source: PeopleSource,
  asked: { readonly emails: readonly string[]; readonly ids: readonly string[] },
  lookup: Lookup,
): Promise<void> {
  const { connection, engine } = round.workspace
  const { object } = source
  const emails = [...new Set(asked.emails)].filter((email) => !lookup.knowsUser(object, email))
  const ids = [...new Set(asked.ids)].filter((id) => lookup.context.users?.emailOf(object, id) === null)
  if (emails.length === 0 && ids.length === 0) return
  const known = await engine.database.transact(syncActor, (tx) =>
    knownUsers(tx, connection.id, object, { emails, ids }),
  )
  lookup.addUsers(object, known)
  const stillEmails = emails.filter((email) => !known.some((user) => user.email === email))
  const stillIds = ids.filter((id) => !known.some((user) => user.remoteId === id))
  if (stillEmails.length === 0 && stillIds.length === 0) return
  const learned = await ask(round, source, stillEmails, stillIds)
  await engine.database.transact(syncActor, (tx) => rememberUsers(tx, connection.id, object, learned))
  lookup.addUsers(object, learned)
}

async function ask(
  { workspace, signal }: Round,
  { object, emailField, active }: PeopleSource,
  emails: readonly string[],
  ids: readonly string[],
): Promise<readonly RemoteUser[]> {
  const { connector, connection, engine } = workspace
  const fields = active ? [emailField, active.field] : [emailField]
  try {
    const found = emails.length === 0 ? [] : await connector.find(object, emailField, emails, fields, signal)
    const read = ids.length === 0 ? [] : await connector.read(object, ids, fields, signal)
    const records = [...found, ...read.filter((one): one is RemoteRecord => !('missing' in one))]
    const people = records.flatMap(({ id, fields: content }): RemoteUser[] => {
      const email = textOf(content[emailField])?.toLowerCase()
      if (email === undefined) return []
      return [{ email, remoteId: id, active: active === null || content[active.field] === active.equals }]
    })
    const byEmail = new Map<string, RemoteUser>(
      emails.map((email) => [email, { email, remoteId: null, active: false }]),
    )
    // Of several with one address, whoever may work.
    for (const user of people) if (!byEmail.get(user.email)?.active) byEmail.set(user.email, user)
    return [...byEmail.values()]
  } catch (error) {
    // An organisation that keeps its people from us is no reason to stop: everybody counts as unknown.
    if (!(error instanceof ConnectorFault) || error.kind !== 'configuration') throw error
    engine.logger.warn(
      { connection: connection.name, object, reason: error.message },
      'people cannot be read',
    )
    return emails.map((email) => ({ email, remoteId: null, active: false }))
  }
}

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
