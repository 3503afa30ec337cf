import { expect, test } from 'vitest'
import { readDefaultMappings } from '#mappings/defaults.ts'
import { neededObjects } from '#mappings/needs.ts'

const documents = readDefaultMappings()
  .filter(({ vendor }) => vendor === 'salesforce')
  .map(({ document }) => document)

test('what the default mappings need in Salesforce are our keys and our own fields, typed, and nothing of the CRM', () => {
  const objects = new Map(neededObjects(documents).map(({ object, fields }) => [object, fields]))
  const opportunity = new Map(objects.get('Opportunity')?.map((field) => [field.name, field]))
  expect(opportunity.get('PRM_Deal_Id__c')).toEqual({
    name: 'PRM_Deal_Id__c',
    label: 'Counterpart deal id',
    type: 'text',
    maxLength: 64,
    isKey: true,
  })
  expect(opportunity.get('PRM_Partner__c')).toMatchObject({ type: 'reference', references: 'Account' })
  expect(opportunity.get('PRM_Protection_End__c')).toMatchObject({ type: 'date', isKey: false })
  expect(opportunity.get('PRM_Registration_Status__c')?.choices).toContain('In Review')
  expect(opportunity.has('Amount')).toBe(false)
  const keys = objects.get('Account')?.filter(({ isKey }) => isKey)
  expect(keys?.map(({ name }) => name).toSorted()).toEqual(['PRM_Customer_Id__c', 'PRM_Partner_Id__c'])
})

test('the order of the documents does not matter', () => {
  const sorted = (list: typeof documents) =>
    neededObjects(list).map(({ object, fields }) => [object, fields.map(({ name }) => name).toSorted()])
  expect(sorted(documents.toReversed())).toEqual(sorted(documents))
})

test('choices that a CRM numbers come with words for people', () => {
  const dynamics = readDefaultMappings().filter(({ vendor }) => vendor === 'dynamics')
  const objects = neededObjects(dynamics.map(({ document }) => document))
  const fields = objects.flatMap((needed) => needed.fields)
  expect(fields.find(({ name }) => name === 'prm_registrationstatus')).toMatchObject({
    type: 'choice',
    choices: expect.arrayContaining(['100000000', '100000002']),
    choiceLabels: expect.arrayContaining(['Draft', 'In review']),
  })
  expect(fields.find(({ name }) => name === 'prm_partner')).toMatchObject({ references: 'account' })
})
