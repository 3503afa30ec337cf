/** What a person, an administrator or the platform does inside the CRM. Throws what the CRM would tell the person. */
import { setUserPermission } from './access.ts'
import { addField, removeField, setChoices, setRequired } from './administration.ts'
import type { SaveOutcome } from './errors.ts'
import { readId } from './ids.ts'
import { changeBySystem, deleteRecord, mergeRecords, undeleteRecord } from './lifecycle.ts'
import { type Organisation, requireTable, setStages } from './organisation.ts'
import { createRecord, readDraft, updateRecord } from './saves.ts'
import type { SalesforceSimulator } from './simulator-interface.ts'

function failInside(outcome: SaveOutcome): string {
  if (outcome.ok) return outcome.id
  throw new Error(outcome.errors.map((error) => `${error.statusCode}: ${error.message}`).join('; '))
}

export function requireId(id: string): string {
  const long = readId(id)
  if (long === null) throw new Error(`malformed id ${id}`)
  return long
}

export type Hands = Omit<
  SalesforceSimulator,
  | 'url'
  | 'organisationId'
  | 'credentials'
  | 'expireSessions'
  | 'setOrganisationId'
  | 'faults'
  | 'calls'
  | 'close'
  | 'streams'
  | 'bulkJobs'
>

export function createHands(organisation: Organisation): Hands {
  const { personId } = organisation
  const as = (by: string) => ({ by, allowDuplicates: true })
  const insert: Hands['insert'] = (object, fields, by = personId) => {
    const table = requireTable(organisation, object)
    const draft = readDraft(organisation, table.schema, fields, 'create')
    return failInside(createRecord(organisation, table, draft, as(by)))
  }
  const throwIf = (error: { statusCode: string; message: string } | null) => {
    if (error !== null) throw new Error(`${error.statusCode}: ${error.message}`)
  }
  const addRule = <T>(rules: T[], rule: T) => {
    rules.push(rule)
    return () => {
      const place = rules.indexOf(rule)
      if (place >= 0) rules.splice(place, 1)
    }
  }
  /** Each thing that a person does is a transaction of its own. */
  const inOne = <T>(work: () => T): T => organisation.changeEvents.transact('', work)
  return {
    changeEvents: organisation.changeEvents,
    integrationUserId: organisation.integrationUserId,
    personId,
    insert,
    insertMany: (object, rows, by) => inOne(() => rows.map((row) => insert(object, row, by))),
    update(object, id, fields, by = personId) {
      const table = requireTable(organisation, object)
      const draft = readDraft(organisation, table.schema, fields, 'update')
      failInside(updateRecord(organisation, table, requireId(id), draft, as(by)))
    },
    touch(object, ids, at) {
      const table = requireTable(organisation, object)
      for (const id of ids) changeBySystem(organisation, table, requireId(id), {}, at)
    },
    remove(object, id, by = personId) {
      inOne(() => throwIf(deleteRecord(organisation, requireTable(organisation, object), requireId(id), by)))
    },
    undelete(object, id) {
      inOne(() =>
        throwIf(undeleteRecord(organisation, requireTable(organisation, object), requireId(id), personId)),
      )
    },
    merge(object, masterId, loserIds, by = personId) {
      const table = requireTable(organisation, object)
      inOne(() => mergeRecords(organisation, table, requireId(masterId), loserIds.map(requireId), by))
    },
    get: (object, id) => {
      const row = requireTable(organisation, object).rows.get(requireId(id))
      return row === undefined ? undefined : { ...row }
    },
    list: (object) =>
      [...requireTable(organisation, object).rows.values()].filter((row) => row['IsDeleted'] !== true),
    history: (object, id) => requireTable(organisation, object).history.get(requireId(id)) ?? [],
    addField: (object, field) => addField(organisation, object, field),
    removeField: (object, name) => removeField(organisation, object, name),
    setRequired: (object, name, required) => setRequired(organisation, object, name, required),
    setChoices: (object, name, choices, options) => setChoices(organisation, object, name, choices, options),
    setUserPermission: (name, granted) => setUserPermission(organisation, name, granted),
    setStages: (stages) => setStages(organisation, stages),
    addValidationRule: (rule) => addRule(organisation.validationRules, rule),
    addDuplicateRule: (rule) => addRule(organisation.duplicateRules, rule),
    setLineItems(id, present) {
      const table = requireTable(organisation, 'Opportunity')
      changeBySystem(organisation, table, requireId(id), { HasOpportunityLineItem: present })
    },
  }
}
