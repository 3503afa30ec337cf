/** The objects of a sales organisation, with the custom fields that Counterpart asks an administrator to create. */
import {
  defineChoices,
  defineField,
  type FieldOptions,
  type FieldSchema,
  type ObjectSchema,
  systemField,
} from './schema.ts'

const required = { nillable: false } as const

const lookup = (
  name: string,
  label: string,
  object: string,
  relationshipName: string,
  options: FieldOptions = {},
): FieldSchema =>
  defineField(name, label, 'reference', { referenceTo: [object], relationshipName, ...options })

function auditFields(): readonly FieldSchema[] {
  const stamp = { nillable: false, defaultedOnCreate: true } as const
  const user = { ...stamp, createable: false, updateable: false } as const
  return [
    systemField('CreatedDate', 'Created Date', 'datetime', stamp),
    lookup('CreatedById', 'Created By ID', 'User', 'CreatedBy', user),
    systemField('LastModifiedDate', 'Last Modified Date', 'datetime', stamp),
    lookup('LastModifiedById', 'Last Modified By ID', 'User', 'LastModifiedBy', user),
    systemField('SystemModstamp', 'System Modstamp', 'datetime', stamp),
  ]
}

const idField = (label: string) =>
  systemField('Id', label, 'id', { nillable: false, defaultedOnCreate: true, idLookup: true })
const deletedField = () => systemField('IsDeleted', 'Deleted', 'boolean', { defaultedOnCreate: true })
const ownerField = () =>
  lookup('OwnerId', 'Owner ID', 'User', 'Owner', { nillable: false, defaultedOnCreate: true })
const masterField = (object: string) =>
  lookup('MasterRecordId', 'Master Record ID', object, 'MasterRecord', {
    createable: false,
    updateable: false,
  })
const uniqueKey = (name: string, label: string) =>
  defineField(name, label, 'string', { length: 64, unique: true, externalId: true })
const currencyField = () =>
  defineField('CurrencyIsoCode', 'Currency ISO Code', 'picklist', {
    length: 3,
    restrictedPicklist: true,
    defaultedOnCreate: true,
    defaultValue: 'EUR',
    picklistValues: defineChoices(['EUR', 'USD', 'GBP', 'JPY']),
  })

function defineObject(
  name: string,
  labels: readonly [string, string],
  keyPrefix: string,
  fields: readonly FieldSchema[],
  highlights: readonly string[],
  options: Partial<ObjectSchema> = {},
): ObjectSchema {
  return {
    name,
    label: labels[0],
    labelPlural: labels[1],
    keyPrefix,
    createable: true,
    updateable: true,
    deletable: true,
    mergeable: false,
    fields: new Map(fields.map((field) => [field.name.toLowerCase(), field])),
    highlights,
    ...options,
  }
}

const address = (kind: 'Billing' | 'Mailing'): readonly FieldSchema[] => [
  defineField(`${kind}Street`, `${kind} Street`, 'textarea'),
  defineField(`${kind}City`, `${kind} City`, 'string', { length: 40 }),
  defineField(`${kind}State`, `${kind} State/Province`, 'string', { length: 80 }),
  defineField(`${kind}PostalCode`, `${kind} Zip/Postal Code`, 'string', { length: 20 }),
  defineField(`${kind}Country`, `${kind} Country`, 'string', { length: 80 }),
]

const industries = ['Banking', 'Construction', 'Consulting', 'Education', 'Energy', 'Manufacturing', 'Retail']
const sources = ['Web', 'Phone Inquiry', 'Partner Referral', 'Partner', 'Purchased List', 'Other']

function account(multiCurrency: boolean): ObjectSchema {
  return defineObject(
    'Account',
    ['Account', 'Accounts'],
    '001',
    [
      idField('Account ID'),
      deletedField(),
      masterField('Account'),
      defineField('Name', 'Account Name', 'string', { ...required, nameField: true }),
      defineField('Type', 'Account Type', 'picklist', {
        picklistValues: defineChoices([
          'Prospect',
          'Customer - Direct',
          'Channel Partner / Reseller',
          'Other',
        ]),
      }),
      lookup('ParentId', 'Parent Account ID', 'Account', 'Parent'),
      ...address('Billing'),
      defineField('Phone', 'Account Phone', 'phone'),
      defineField('Website', 'Website', 'url'),
      defineField('AccountNumber', 'Account Number', 'string', { length: 40 }),
      defineField('Industry', 'Industry', 'picklist', { picklistValues: defineChoices(industries) }),
      defineField('AnnualRevenue', 'Annual Revenue', 'currency', { scale: 0 }),
      defineField('NumberOfEmployees', 'Employees', 'int', { precision: 8 }),
      defineField('Description', 'Account Description', 'textarea', { length: 32_000 }),
      ...(multiCurrency ? [currencyField()] : []),
      ownerField(),
      ...auditFields(),
      uniqueKey('PRM_Customer_Id__c', 'PRM Customer Id'),
      uniqueKey('PRM_Partner_Id__c', 'PRM Partner Id'),
      defineField('PRM_Partner_Tier__c', 'PRM Partner Tier', 'string', { length: 64 }),
    ],
    ['Name', 'Type', 'BillingCity', 'BillingCountry', 'Website', 'PRM_Partner_Tier__c'],
    { mergeable: true },
  )
}

function contact(multiCurrency: boolean): ObjectSchema {
  return defineObject(
    'Contact',
    ['Contact', 'Contacts'],
    '003',
    [
      idField('Contact ID'),
      deletedField(),
      masterField('Contact'),
      lookup('AccountId', 'Account ID', 'Account', 'Account', { cascadeDelete: true }),
      defineField('LastName', 'Last Name', 'string', { ...required, length: 80 }),
      defineField('FirstName', 'First Name', 'string', { length: 40 }),
      defineField('Salutation', 'Salutation', 'picklist', {
        picklistValues: defineChoices(['Mr.', 'Ms.', 'Mrs.', 'Dr.', 'Prof.']),
      }),
      systemField('Name', 'Full Name', 'string', { length: 121, nillable: false, nameField: true }),
      ...address('Mailing'),
      defineField('Phone', 'Business Phone', 'phone'),
      defineField('MobilePhone', 'Mobile Phone', 'phone'),
      defineField('Email', 'Email', 'email', { idLookup: true }),
      defineField('Title', 'Title', 'string', { length: 128 }),
      defineField('Description', 'Contact Description', 'textarea', { length: 32_000 }),
      ...(multiCurrency ? [currencyField()] : []),
      ownerField(),
      ...auditFields(),
    ],
    ['Name', 'AccountId', 'Title', 'Email', 'Phone'],
    { mergeable: true },
  )
}

function opportunity(multiCurrency: boolean): ObjectSchema {
  const derived = { nillable: false, defaultedOnCreate: true } as const
  const forecast = defineChoices(['Omitted', 'Pipeline', 'BestCase', 'MostLikely', 'Forecast', 'Closed'])
  return defineObject(
    'Opportunity',
    ['Opportunity', 'Opportunities'],
    '006',
    [
      idField('Opportunity ID'),
      deletedField(),
      lookup('AccountId', 'Account ID', 'Account', 'Account', { cascadeDelete: true }),
      defineField('Name', 'Name', 'string', { ...required, length: 120, nameField: true }),
      defineField('Description', 'Description', 'textarea', { length: 32_000 }),
      defineField('StageName', 'Stage', 'picklist', required),
      defineField('Amount', 'Amount', 'currency'),
      defineField('Probability', 'Probability (%)', 'percent', { precision: 3, defaultedOnCreate: true }),
      systemField('ExpectedRevenue', 'Expected Amount', 'currency', { calculated: true }),
      defineField('CloseDate', 'Close Date', 'date', required),
      defineField('Type', 'Opportunity Type', 'picklist', {
        picklistValues: defineChoices(['New Business', 'Existing Business']),
      }),
      defineField('NextStep', 'Next Step', 'string'),
      defineField('LeadSource', 'Lead Source', 'picklist', { picklistValues: defineChoices(sources) }),
      systemField('IsClosed', 'Closed', 'boolean', derived),
      systemField('IsWon', 'Won', 'boolean', derived),
      systemField('ForecastCategory', 'Forecast Category', 'picklist', {
        ...derived,
        picklistValues: forecast,
      }),
      systemField('HasOpportunityLineItem', 'Has Line Item', 'boolean', derived),
      ...(multiCurrency ? [currencyField()] : []),
      ownerField(),
      ...auditFields(),
      uniqueKey('PRM_Deal_Id__c', 'PRM Deal Id'),
      lookup('PRM_Partner__c', 'PRM Partner', 'Account', 'PRM_Partner__r'),
      defineField('PRM_Registration_Status__c', 'PRM Registration Status', 'picklist', {
        picklistValues: defineChoices([
          'draft',
          'submitted',
          'in_review',
          'returned',
          'approved',
          'rejected',
          'withdrawn',
          'cancelled',
          'expired',
        ]),
      }),
      defineField('PRM_Protection_End__c', 'PRM Protection End', 'date'),
      defineField('PRM_Registration_Number__c', 'PRM Registration Number', 'string', { length: 64 }),
    ],
    ['Name', 'AccountId', 'StageName', 'Amount', 'CloseDate', 'PRM_Partner__c', 'PRM_Registration_Status__c'],
  )
}

function user(multiCurrency: boolean): ObjectSchema {
  return defineObject(
    'User',
    ['User', 'Users'],
    '005',
    [
      idField('User ID'),
      defineField('Username', 'Username', 'string', {
        ...required,
        length: 80,
        unique: true,
        idLookup: true,
      }),
      defineField('LastName', 'Last Name', 'string', { ...required, length: 80 }),
      defineField('FirstName', 'First Name', 'string', { length: 40 }),
      systemField('Name', 'Full Name', 'string', { length: 121, nillable: false, nameField: true }),
      defineField('Email', 'Email', 'email', { ...required, length: 128, idLookup: true }),
      defineField('Alias', 'Alias', 'string', { length: 8 }),
      defineField('IsActive', 'Active', 'boolean', { defaultValue: true }),
      defineField('UserType', 'User Type', 'picklist', {
        createable: false,
        updateable: false,
        defaultValue: 'Standard',
        picklistValues: defineChoices(['Standard', 'PowerPartner']),
      }),
      ...(multiCurrency
        ? [defineField('DefaultCurrencyIsoCode', 'Default Currency', 'picklist', { defaultValue: 'EUR' })]
        : []),
      ...auditFields(),
    ],
    ['Name', 'Username', 'Email', 'IsActive'],
    { deletable: false },
  )
}

function opportunityStage(): ObjectSchema {
  return defineObject(
    'OpportunityStage',
    ['Opportunity Stage', 'Opportunity Stage'],
    '01J',
    [
      idField('Opportunity Stage ID'),
      systemField('MasterLabel', 'Master Label', 'string', { nameField: true, nillable: false }),
      systemField('ApiName', 'API Name', 'string', { nillable: false }),
      systemField('IsActive', 'Is Active', 'boolean'),
      systemField('SortOrder', 'Sort Order', 'int'),
      systemField('IsClosed', 'Closed', 'boolean'),
      systemField('IsWon', 'Won', 'boolean'),
      systemField('ForecastCategory', 'Forecast Category', 'picklist'),
      systemField('ForecastCategoryName', 'Forecast Category Name', 'picklist'),
      systemField('DefaultProbability', 'Probability (%)', 'percent', { precision: 3 }),
      systemField('Description', 'Description', 'string'),
      ...auditFields(),
    ],
    ['MasterLabel', 'ApiName', 'IsActive', 'IsClosed', 'IsWon', 'DefaultProbability'],
    { createable: false, updateable: false, deletable: false },
  )
}

function organization(): ObjectSchema {
  return defineObject(
    'Organization',
    ['Organization', 'Organizations'],
    '00D',
    [
      idField('Organization ID'),
      systemField('Name', 'Name', 'string', { length: 80, nillable: false, nameField: true }),
      systemField('OrganizationType', 'Edition', 'picklist'),
      systemField('IsSandbox', 'Is Sandbox', 'boolean'),
      systemField('InstanceName', 'Instance Name', 'string', { length: 5 }),
      systemField('LanguageLocaleKey', 'Language', 'picklist'),
      ...auditFields(),
    ],
    ['Name', 'OrganizationType', 'IsSandbox'],
    { createable: false, updateable: false, deletable: false },
  )
}

function currencyType(): ObjectSchema {
  return defineObject(
    'CurrencyType',
    ['Currency Type', 'Currency Type'],
    '01L',
    [
      idField('Currency Type ID'),
      systemField('IsoCode', 'Currency ISO Code', 'picklist', { nillable: false }),
      systemField('ConversionRate', 'Conversion Rate', 'double', { precision: 18, scale: 6 }),
      systemField('DecimalPlaces', 'Decimal Places', 'int'),
      systemField('IsActive', 'Active', 'boolean'),
      systemField('IsCorporate', 'Corporate Currency', 'boolean'),
      ...auditFields(),
    ],
    ['IsoCode', 'ConversionRate', 'IsCorporate'],
    { createable: false, updateable: false, deletable: false },
  )
}

/** `multiCurrency` adds CurrencyIsoCode and the CurrencyType object, as switching the feature on does. */
export function defineStandardObjects(multiCurrency: boolean): readonly ObjectSchema[] {
  return [
    account(multiCurrency),
    contact(multiCurrency),
    opportunity(multiCurrency),
    user(multiCurrency),
    opportunityStage(),
    organization(),
    ...(multiCurrency ? [currencyType()] : []),
  ]
}
