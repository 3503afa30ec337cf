import type { Connector, RemoteRecord, WriteOutcome } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import type { SalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'

/** The same connector to a CRM that names the state of a record, and refuses a write that names an older one. */
export const writingConditionally =
  (simulator: SalesforceSimulator) =>
  (connector: Connector): Connector => {
    const versionOf = (object: string, id: string) => `v${simulator.history(object, id).length}`
    /** Asked before the reading: at worst it is older than what was read. */
    const versionsOf = (object: string, ids: readonly string[]) =>
      new Map(ids.map((id) => [id, versionOf(object, id)]))
    return {
      ...connector,
      traits: { ...connector.traits, conditionalWrite: true },
      async read(object, ids, fields, signal) {
        const versions = versionsOf(object, ids)
        const records = await connector.read(object, ids, fields, signal)
        return records.map((record) =>
          'missing' in record ? record : { ...record, version: versions.get(record.id) ?? '' },
        )
      },
      async *changes(object, cursor, fields, signal, findKnown) {
        const pages = connector.changes(object, cursor, fields, signal, findKnown)[Symbol.asyncIterator]()
        for (;;) {
          const versions = versionsOf(
            object,
            simulator.list(object).map(({ Id }) => String(Id)),
          )
          const { done, value: page } = await pages.next()
          if (done) return
          const records = page.records.flatMap((record): RemoteRecord[] => {
            const version = versions.get(record.id)
            return [version === undefined ? record : { ...record, version }]
          })
          yield { ...page, records }
        }
      },
      async write(commands, signal) {
        const isCurrent = commands.map(
          ({ object, target, version }) =>
            version === undefined || (target.kind === 'id' && versionOf(object, target.id) === version),
        )
        const current = commands.filter((_, index) => isCurrent[index])
        const outcomes = current.length > 0 ? [...(await connector.write(current, signal))] : []
        return isCurrent.map((goes): WriteOutcome => {
          const outcome = goes ? outcomes.shift() : undefined
          return outcome ?? { ok: false, fault: changed() }
        })
      },
    }
  }

const changed = () => new ConnectorFault('changed', 'The record is not what it was', { code: '412' })
