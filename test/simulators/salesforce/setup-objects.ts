/** People and settings of the organisation: read by the API, changed by an administrator. */
import { defineChoices, defineField, type ObjectSchema, systemField } from './schema.ts'
import { auditFields, defineObject, idField, required } from './standard-fields.ts'

export function user(multiCurrency: boolean): ObjectSchema {
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

export function opportunityStage(): ObjectSchema {
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

export function organization(): ObjectSchema {
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

export function currencyType(): ObjectSchema {
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
