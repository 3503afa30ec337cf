/**
 * A bench for connectors, whatever the CRM: a harness opens a fresh organisation with a connector on it and acts as
 * the people and the network over there. What is done through the connector goes by the names below.
 */
import type { ChangePage, Connector, RemoteRecord, RemoteValue, WriteCommand } from '#connectors/connector.ts'
import type { RecordingGate } from './recording-gate.ts'

type Fields = Readonly<Record<string, RemoteValue>>

/** One organisation with one object in it that stands for a deal. */
export interface ConnectorBench {
  readonly connector: Connector
  readonly gate: RecordingGate
  readonly organisationId: string
  /** Whom the connector signs in as, and who edits over there. */
  readonly userId: string
  readonly personId: string
  readonly object: string
  /** Our external id over there: text, unique. */
  readonly keyField: string
  /** A text field and a number field without rules. */
  readonly textField: string
  readonly numberField: string
  /** What a creation needs beside the key, with the text given. */
  fieldsOf(text: string): Fields
  /** Fields that this CRM refuses in a record, for a reason in the data. */
  readonly refusedFields: Fields
  /** A well-formed id that no record has. */
  readonly unknownId: string
  /** A person's doing. */
  insert(texts: readonly string[]): Promise<readonly string[]>
  edit(id: string, fields: Fields): Promise<void>
  remove(id: string): Promise<void>
  get(id: string): Fields | null
  count(): number
  /** HTTP requests served so far, sign-ins included. */
  requests(): number
  /** Each strikes once, at the next call that it fits, unless it says otherwise. */
  readonly mishaps: {
    /** The write takes effect; its answer never comes. */
    loseAnswerOfWrite(how: 'cut' | 'silence'): void
    /** `of` says which call it is for, where a write looks at its record first. */
    answerWithPage(status: number, of: 'read' | 'write'): void
    lockOneRecord(): void
    throttle(): void
    expireToken(): void
    /** From now on, every token is refused. */
    refuseTokens(): void
    /** From now on, reads are answered only after so long. */
    delayReads(delayMs: number): void
  }
  close(): Promise<void>
}

export interface BenchOptions {
  readonly requestTimeoutMs?: number
}

export interface ConnectorHarness {
  readonly vendor: string
  open(options?: BenchOptions): Promise<ConnectorBench>
}

export const never = new AbortController().signal

/** The bench of the running test. */
export let bench: ConnectorBench
export let connector: Connector

export async function openBench(harness: ConnectorHarness, options?: BenchOptions): Promise<void> {
  bench = await harness.open(options)
  connector = bench.connector
}

export async function closeBench(): Promise<void> {
  await connector.close()
  await bench.close()
}

export const create = (key: string, text = key): WriteCommand => ({
  object: bench.object,
  target: { kind: 'key', field: bench.keyField, value: key },
  fields: bench.fieldsOf(text),
})
export const update = (id: string, fields: Fields): WriteCommand => ({
  object: bench.object,
  target: { kind: 'id', id },
  fields,
})
export const write = (...commands: readonly WriteCommand[]) => connector.write(commands, never)
export const read = (ids: readonly string[]) => connector.read(bench.object, ids, [bench.textField], never)
export const insertOne = async (text = 'Acme'): Promise<string> => (await bench.insert([text]))[0]!
export const textOf = (id: string) => bench.get(id)?.[bench.textField]

export async function poll(cursor: string | null): Promise<readonly ChangePage[]> {
  const pages: ChangePage[] = []
  for await (const page of connector.changes(bench.object, cursor, [bench.textField], never)) pages.push(page)
  return pages
}
export const recordsOf = (pages: readonly ChangePage[]): readonly RemoteRecord[] =>
  pages.flatMap((page) => page.records)
