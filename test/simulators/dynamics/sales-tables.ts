/** The tables of a sales team, with the columns that Counterpart asks an administrator to create. */
import {
  activeStates,
  choice,
  currencyAttributes,
  customerTargets,
  day,
  defineAttribute,
  lookup,
  manyLookup,
  mergeAttributes,
  moneyPair,
  ownerAttribute,
  stateAttributes,
  text,
} from './attributes.ts'
import { fixedGuid } from './guids.ts'
import type { AlternateKey, Attribute, TableSchema } from './schema.ts'
import { defineTable } from './table-definitions.ts'

export const registrationStatuses = [
  'Draft',
  'Submitted',
  'In Review',
  'Returned',
  'Approved',
  'Rejected',
  'Withdrawn',
  'Cancelled',
  'Expired',
  'Moved',
].map((label, index) => ({ value: 100_000_000 + index, label }))

const ratings = [
  { value: 1, label: 'Hot' },
  { value: 2, label: 'Warm' },
  { value: 3, label: 'Cold' },
]

const address = (): readonly Attribute[] => [
  text('address1_line1', 'Address 1: Street 1', 250, { custom: false }),
  text('address1_line2', 'Address 1: Street 2', 250, { custom: false }),
  text('address1_city', 'Address 1: City', 80, { custom: false }),
  text('address1_stateorprovince', 'Address 1: State/Province', 50, { custom: false }),
  text('address1_postalcode', 'Address 1: ZIP/Postal Code', 20, { custom: false }),
  text('address1_country', 'Address 1: Country/Region', 80, { custom: false }),
]

const key = (name: string, schemaName: string, label: string, number: number): [string, AlternateKey] => [
  `${name}_key`,
  {
    logicalName: `${name}_key`,
    schemaName: `${schemaName}_Key`,
    label,
    attributes: [name],
    status: 'Active',
    activeAt: 0,
    metadataId: fixedGuid(0x6b_00_00_00, number),
  },
]

/** `prm`: whether the columns and keys that Counterpart needs are there already. */
export const account = (prm: boolean): TableSchema =>
  defineTable({
    logicalName: 'account',
    schemaName: 'Account',
    entitySet: 'accounts',
    label: 'Account',
    typeCode: 1,
    mergeable: true,
    changeTracking: prm,
    highlights: ['name', 'address1_city', 'address1_country', 'websiteurl', 'prm_partnertier', 'statecode'],
    keys: new Map(
      prm
        ? [
            key('prm_customerid', 'prm_CustomerId', 'PRM Customer', 1),
            key('prm_partnerid', 'prm_PartnerId', 'PRM Partner', 2),
          ]
        : [],
    ),
    columns: [
      text('name', 'Account Name', 160, { required: 'ApplicationRequired' }),
      text('accountnumber', 'Account Number', 20),
      ...address(),
      text('telephone1', 'Main Phone', 50),
      text('websiteurl', 'Website', 200),
      text('emailaddress1', 'Email'),
      defineAttribute('description', 'Description', 'Memo', { maxLength: 2000 }),
      choice(
        'industrycode',
        'Industry',
        [
          'Accounting',
          'Agriculture',
          'Broadcasting',
          'Brokers',
          'Building Supply Retail',
          'Business Services',
        ].map((label, index) => ({ value: index + 1, label })),
      ),
      choice('customertypecode', 'Relationship Type', [
        { value: 1, label: 'Competitor' },
        { value: 3, label: 'Customer' },
        { value: 5, label: 'Partner' },
        { value: 8, label: 'Prospect' },
        { value: 10, label: 'Reseller' },
      ]),
      defineAttribute('numberofemployees', 'Number of Employees', 'Integer', { minValue: 0, maxValue: 1e9 }),
      ...moneyPair('revenue', 'Annual Revenue', { minValue: 0, maxValue: 100_000_000_000_000 }),
      lookup('parentaccountid', 'Parent Account', 'account'),
      lookup('primarycontactid', 'Primary Contact', 'contact'),
      ...currencyAttributes(),
      ...mergeAttributes('account'),
      ...ownerAttribute(),
      ...activeStates(),
      ...(prm
        ? [
            text('prm_customerid', 'PRM Customer Id', 64, { schemaName: 'prm_CustomerId' }),
            text('prm_partnerid', 'PRM Partner Id', 64, { schemaName: 'prm_PartnerId' }),
            text('prm_partnertier', 'PRM Partner Tier', 64, { schemaName: 'prm_PartnerTier' }),
          ]
        : []),
    ],
  })

export const contact = (prm: boolean): TableSchema =>
  defineTable({
    logicalName: 'contact',
    schemaName: 'Contact',
    entitySet: 'contacts',
    label: 'Contact',
    typeCode: 2,
    primaryName: 'fullname',
    mergeable: true,
    changeTracking: true,
    highlights: ['fullname', 'jobtitle', 'emailaddress1', 'telephone1', 'parentcustomerid'],
    keys: new Map(prm ? [key('prm_contactid', 'prm_ContactId', 'PRM Contact', 4)] : []),
    columns: [
      text('firstname', 'First Name', 50),
      text('lastname', 'Last Name', 50, { required: 'ApplicationRequired' }),
      text('fullname', 'Full Name', 160, { creatable: false, updatable: false }),
      text('jobtitle', 'Job Title'),
      text('emailaddress1', 'Email'),
      text('telephone1', 'Business Phone', 50),
      text('mobilephone', 'Mobile Phone', 50),
      ...address(),
      defineAttribute('description', 'Description', 'Memo'),
      ...manyLookup('Customer', 'parentcustomerid', 'Company Name', customerTargets('parentcustomerid'), {
        cascadeDelete: true,
      }),
      ...currencyAttributes(),
      ...mergeAttributes('contact'),
      ...ownerAttribute(),
      ...activeStates(),
      ...(prm ? [text('prm_contactid', 'PRM Contact Id', 64, { schemaName: 'prm_ContactId' })] : []),
    ],
  })

const opportunityStates = (): readonly Attribute[] =>
  stateAttributes(
    [
      { value: 0, label: 'Open' },
      { value: 1, label: 'Won' },
      { value: 2, label: 'Lost' },
    ],
    [
      { value: 1, label: 'In Progress', state: 0 },
      { value: 2, label: 'On Hold', state: 0 },
      { value: 3, label: 'Won', state: 1 },
      { value: 4, label: 'Canceled', state: 2 },
      { value: 5, label: 'Out-Sold', state: 2 },
    ],
  )

export const opportunity = (prm: boolean): TableSchema =>
  defineTable({
    logicalName: 'opportunity',
    schemaName: 'Opportunity',
    entitySet: 'opportunities',
    label: 'Opportunity',
    pluralLabel: 'Opportunities',
    typeCode: 3,
    changeTracking: prm,
    highlights: [
      'name',
      'parentaccountid',
      'statecode',
      'statuscode',
      'estimatedvalue',
      'estimatedclosedate',
      'prm_partner',
      'prm_registrationstatus',
    ],
    keys: new Map(prm ? [key('prm_dealid', 'prm_DealId', 'PRM Deal', 3)] : []),
    columns: [
      text('name', 'Topic', 300, { required: 'ApplicationRequired' }),
      defineAttribute('description', 'Description', 'Memo', { maxLength: 2000 }),
      ...moneyPair('estimatedvalue', 'Est. Revenue', { minValue: -1e12, maxValue: 1e12 }),
      ...moneyPair('actualvalue', 'Actual Revenue', { minValue: -1e12, maxValue: 1e12 }),
      ...moneyPair('budgetamount', 'Budget Amount', { minValue: 0, maxValue: 1e12 }),
      day('estimatedclosedate', 'Est. Close Date'),
      day('actualclosedate', 'Actual Close Date'),
      defineAttribute('closeprobability', 'Probability', 'Integer', { minValue: 0, maxValue: 100 }),
      choice('opportunityratingcode', 'Rating', ratings),
      defineAttribute('isrevenuesystemcalculated', 'Revenue', 'Boolean'),
      text('stepname', 'Pipeline Phase', 200),
      ...manyLookup('Customer', 'customerid', 'Potential Customer', customerTargets('customerid'), {
        cascadeDelete: true,
      }),
      lookup('parentaccountid', 'Account', 'account'),
      lookup('parentcontactid', 'Contact', 'contact'),
      ...currencyAttributes(),
      ...ownerAttribute(),
      ...opportunityStates(),
      ...(prm
        ? [
            text('prm_dealid', 'PRM Deal Id', 64, { schemaName: 'prm_DealId' }),
            lookup('prm_partner', 'PRM Partner', 'account', { schemaName: 'prm_Partner' }),
            choice('prm_registrationstatus', 'PRM Registration Status', registrationStatuses, {
              schemaName: 'prm_RegistrationStatus',
            }),
            day('prm_protectionend', 'PRM Protection End', { schemaName: 'prm_ProtectionEnd' }),
            text('prm_products', 'PRM Products', 2000, { schemaName: 'prm_Products' }),
            text('prm_registrationnumber', 'PRM Registration Number', 64, {
              schemaName: 'prm_RegistrationNumber',
            }),
          ]
        : []),
    ],
  })
