import type { CrmSimulator } from '#test/simulators/simulator.ts'
import type { ConnectorBench } from './connector-bench.ts'

type Simulator = Omit<CrmSimulator, 'faults' | 'calls'> & {
  readonly calls: { readonly log: readonly unknown[] }
}

/** The people of a simulated CRM and what it counts: the part of a bench that is alike for all vendors. */
export const peopleOf = (
  simulator: Simulator,
  object: string,
  fieldsOf: ConnectorBench['fieldsOf'],
): Omit<
  ConnectorBench,
  'connector' | 'gate' | 'keyField' | 'textField' | 'numberField' | 'refusedFields' | 'unknownId' | 'mishaps'
> => ({
  organisationId: simulator.organisationId,
  userId: simulator.integrationUserId,
  personId: simulator.personId,
  object,
  fieldsOf,
  insert: async (texts) => simulator.insertMany(object, texts.map(fieldsOf)),
  edit: async (id, fields) => simulator.update(object, id, fields),
  remove: async (id) => simulator.remove(object, id),
  get: (id) => (simulator.get(object, id) as ReturnType<ConnectorBench['get']>) ?? null,
  count: () => simulator.list(object).length,
  requests: () => simulator.calls.log.length,
  close: () => simulator.close(),
})
