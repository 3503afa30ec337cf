/** What a person, an administrator or the platform does inside the CRM. Throws what the CRM would tell the person. */
import { addAttribute, addKey, removeField, setOptions, setRequired } from './administration.ts'
import { formatInstant } from './dates.ts'
import { readFields } from './drafts.ts'
import { errors } from './errors.ts'
import { changeRow, closeOpportunity, deleteRecord, mergeRecords, restoreRecord } from './lifecycle.ts'
import { type Organisation, requireTable } from './organisation.ts'
import { createRecord, updateRecord } from './saves.ts'
import type { DynamicsSimulator } from './simulator-interface.ts'

export type Hands = Omit<
  DynamicsSimulator,
  | 'url'
  | 'organisationId'
  | 'credentials'
  | 'webhooks'
  | 'expireSessions'
  | 'setOrganisationId'
  | 'faults'
  | 'calls'
  | 'close'
>

export function createHands(organisation: Organisation): Hands {
  const { personId, tables } = organisation
  const as = (by: string) => ({ by, tag: null, detectDuplicates: false })
  const insert: Hands['insert'] = (object, fields, by = personId) => {
    const table = requireTable(organisation, object)
    return tables.attempt(() =>
      createRecord(organisation, table, readFields(organisation, table, fields), as(by)),
    )
  }
  const update: Hands['update'] = (object, id, fields, by = personId) => {
    const table = requireTable(organisation, object)
    const row = table.rows.get(id)
    if (row === undefined) throw errors.noRecord(object, id)
    tables.attempt(() =>
      updateRecord(organisation, table, row, readFields(organisation, table, fields), as(by)),
    )
  }
  const addRule = <T>(rules: T[], rule: T) => {
    rules.push(rule)
    return () => {
      const place = rules.indexOf(rule)
      if (place >= 0) rules.splice(place, 1)
    }
  }
  return {
    integrationUserId: organisation.integrationUserId,
    personId,
    insert,
    insertMany: (object, rows, by) => rows.map((row) => insert(object, row, by)),
    update,
    touch(object, ids, at) {
      const table = requireTable(organisation, object)
      const fields = at === undefined ? {} : { modifiedon: formatInstant(at) }
      for (const id of ids) changeRow(organisation, table, id, fields, null)
    },
    remove(object, id, by = personId) {
      tables.attempt(() =>
        deleteRecord(organisation, requireTable(organisation, object), id, { by, tag: null }),
      )
    },
    undelete(object, id) {
      restoreRecord(organisation, requireTable(organisation, object), id, personId)
    },
    merge(object, masterId, loserIds, by = personId) {
      const table = requireTable(organisation, object)
      tables.attempt(() => {
        for (const loserId of loserIds)
          mergeRecords(organisation, table, masterId, loserId, {}, { by, tag: null })
      })
    },
    get: (object, id) => {
      const row = requireTable(organisation, object).rows.get(id)
      return row === undefined ? undefined : { ...row }
    },
    list: (object) => [...requireTable(organisation, object).rows.values()],
    history: (object, id) => requireTable(organisation, object).history.get(id) ?? [],
    addAttribute: (object, attribute) => void addAttribute(organisation, object, attribute),
    removeField: (object, name) => removeField(organisation, object, name),
    setRequired: (object, name, required) => setRequired(organisation, object, name, required),
    setOptions: (object, name, options) => setOptions(organisation, object, name, options),
    addKey: (object, attributes, key) => void addKey(organisation, object, attributes, key),
    setChangeTracking(object, on) {
      requireTable(organisation, object).schema.changeTracking = on
    },
    setOptimisticConcurrency(object, on) {
      requireTable(organisation, object).schema.optimisticConcurrency = on
    },
    expireDeltaLinks() {
      organisation.deltaFloor = tables.version + 1
      // The next link given out has to be newer than the floor.
      const table = requireTable(organisation, 'organization')
      for (const id of [...table.rows.keys()]) changeRow(organisation, table, id, {}, null)
    },
    closeAs(id, how, closing = {}) {
      tables.attempt(() => closeOpportunity(organisation, id, how, closing, as(personId)))
    },
    reopen: (id) => update('opportunity', id, { statecode: 0, statuscode: 1 }),
    setClosedReadOnly(on) {
      organisation.closedReadOnly = on
    },
    addValidationRule: (rule) => addRule(organisation.validationRules, rule),
    addDuplicateRule: (rule) => addRule(organisation.duplicateRules, rule),
    setPrivilege(object, right, depth) {
      const name =
        right === 'customize' ? 'prvWriteEntity' : requireTable(organisation, object).schema.logicalName
      organisation.rights.set(`${right}:${name}`, depth)
    },
  }
}
