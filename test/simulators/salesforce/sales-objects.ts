/** The records of a sales team, with the custom fields that Counterpart asks an administrator to create. */
import { defineChoices, defineField, type ObjectSchema, systemField } from './schema.ts'
import {
  address,
  auditFields,
  currencyField,
  defineObject,
  deletedField,
  idField,
  lookup,
  masterField,
  ownerField,
  required,
  uniqueKey,
} from './standard-fields.ts'

const industries = ['Banking', 'Construction', 'Consulting', 'Education', 'Energy', 'Manufacturing', 'Retail']
const registrationStatuses = [
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
]
const sources = ['Web', 'Phone Inquiry', 'Partner Referral', 'Partner', 'Purchased List', 'Other']

export function account(multiCurrency: boolean): ObjectSchema {
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
      defineField('PRM_Partner_Tier__c', 'PRM Partner Tier', 'string', { length: 100 }),
    ],
    ['Name', 'Type', 'BillingCity', 'BillingCountry', 'Website', 'PRM_Partner_Tier__c'],
    { mergeable: true },
  )
}

export function contact(multiCurrency: boolean): ObjectSchema {
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
      uniqueKey('PRM_Contact_Id__c', 'PRM Contact Id'),
    ],
    ['Name', 'AccountId', 'Title', 'Email', 'Phone'],
    { mergeable: true },
  )
}

export function opportunity(multiCurrency: boolean): ObjectSchema {
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
      // Given once, when the opportunity is made: from then on the contact roles say who is primary.
      lookup('ContactId', 'Contact ID', 'Contact', 'Contact', { updateable: false }),
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
        restrictedPicklist: true,
        picklistValues: defineChoices(registrationStatuses),
      }),
      defineField('PRM_Protection_End__c', 'PRM Protection End', 'date'),
      defineField('PRM_Products__c', 'PRM Products', 'textarea', { length: 2000 }),
      defineField('PRM_Registration_Number__c', 'PRM Registration Number', 'string', { length: 64 }),
    ],
    ['Name', 'AccountId', 'StageName', 'Amount', 'CloseDate', 'PRM_Partner__c', 'PRM_Registration_Status__c'],
  )
}
