/** Deals, companies and contacts with the properties that every portal has and an integration meets. */
import {
  defineProperty,
  type ObjectSchema,
  type Property,
  type PropertyOptions,
  type PropertyType,
} from './schema.ts'

type Definition = readonly [name: string, label: string, type: PropertyType, options?: PropertyOptions]

const calculated: PropertyOptions = { calculated: true }
const readOnly: PropertyOptions = { readOnlyValue: true }
const money: PropertyOptions = { showCurrencySymbol: true }
const owner: PropertyOptions = { externalOptions: true, referencedObjectType: 'OWNER' }

const ofEveryObject: readonly Definition[] = [
  ['hs_object_id', 'Record ID', 'number', readOnly],
  ['hs_createdate', 'Object create date/time', 'datetime', readOnly],
  ['createdate', 'Create Date', 'datetime'],
  ['hubspot_owner_id', 'Owner', 'enumeration', owner],
  ['hs_created_by_user_id', 'Created by user ID', 'number', readOnly],
  ['hs_updated_by_user_id', 'Updated by user ID', 'number', readOnly],
  ['hs_merged_object_ids', 'Merged Record IDs', 'enumeration', { ...readOnly, fieldType: 'checkbox' }],
]

const ofDeals = (currencies: readonly string[]): readonly Definition[] => [
  ['hs_lastmodifieddate', 'Last Modified Date', 'datetime', readOnly],
  ['dealname', 'Deal Name', 'string'],
  ['amount', 'Amount', 'number', money],
  ['pipeline', 'Pipeline', 'enumeration', { externalOptions: true }],
  ['dealstage', 'Deal Stage', 'enumeration', { externalOptions: true, fieldType: 'radio' }],
  ['closedate', 'Close Date', 'datetime'],
  ['description', 'Deal Description', 'string', { fieldType: 'textarea' }],
  [
    'dealtype',
    'Deal Type',
    'enumeration',
    {
      fieldType: 'radio',
      options: [
        { value: 'newbusiness', label: 'New Business' },
        { value: 'existingbusiness', label: 'Existing Business' },
      ],
    },
  ],
  [
    'hs_priority',
    'Priority',
    'enumeration',
    {
      options: [
        { value: 'low', label: 'Low' },
        { value: 'medium', label: 'Medium' },
        { value: 'high', label: 'High' },
      ],
    },
  ],
  ['deal_currency_code', 'Currency', 'enumeration', { options: currencies }],
  ['hs_next_step', 'Next step', 'string'],
  ['closed_lost_reason', 'Closed Lost Reason', 'string', { fieldType: 'textarea' }],
  ['closed_won_reason', 'Closed Won Reason', 'string', { fieldType: 'textarea' }],
  ['hs_is_closed', 'Is Deal Closed?', 'bool', calculated],
  ['hs_is_closed_won', 'Is Closed Won', 'bool', calculated],
  ['hs_is_closed_lost', 'Is Closed Lost', 'bool', calculated],
  ['hs_deal_stage_probability', 'Deal probability', 'number', calculated],
  ['hs_projected_amount', 'Weighted amount', 'number', { ...calculated, ...money }],
  ['hs_closed_amount', 'Closed Deal Amount', 'number', { ...calculated, ...money }],
  ['amount_in_home_currency', 'Amount in company currency', 'number', { ...calculated, ...money }],
  ['hs_primary_associated_company', 'Primary Associated Company', 'number', calculated],
  ['num_associated_contacts', 'Number of Associated Contacts', 'number', calculated],
]

const ofCompanies: readonly Definition[] = [
  ['hs_lastmodifieddate', 'Last Modified Date', 'datetime', readOnly],
  ['name', 'Company name', 'string'],
  ['domain', 'Company Domain Name', 'string'],
  ['website', 'Website URL', 'string'],
  ['phone', 'Phone Number', 'phone_number'],
  ['address', 'Street Address', 'string'],
  ['city', 'City', 'string'],
  ['state', 'State/Region', 'string'],
  ['zip', 'Postal Code', 'string'],
  ['country', 'Country/Region', 'string'],
  ['description', 'Description', 'string', { fieldType: 'textarea' }],
  ['annualrevenue', 'Annual Revenue', 'number', money],
  ['numberofemployees', 'Number of Employees', 'number'],
  [
    'industry',
    'Industry',
    'enumeration',
    { options: ['ACCOUNTING', 'AUTOMOTIVE', 'BANKING', 'COMPUTER_SOFTWARE', 'RETAIL', 'TELECOMMUNICATIONS'] },
  ],
  [
    'type',
    'Type',
    'enumeration',
    {
      fieldType: 'radio',
      options: [
        { value: 'PROSPECT', label: 'Prospect' },
        { value: 'PARTNER', label: 'Partner' },
        { value: 'RESELLER', label: 'Reseller' },
        { value: 'VENDOR', label: 'Vendor' },
        { value: 'OTHER', label: 'Other' },
      ],
    },
  ],
  [
    'lifecyclestage',
    'Lifecycle Stage',
    'enumeration',
    { fieldType: 'radio', options: ['subscriber', 'lead', 'opportunity', 'customer', 'evangelist', 'other'] },
  ],
  ['num_associated_contacts', 'Number of Associated Contacts', 'number', calculated],
  ['num_associated_deals', 'Number of Associated Deals', 'number', calculated],
]

const ofContacts: readonly Definition[] = [
  ['lastmodifieddate', 'Last Modified Date', 'datetime', readOnly],
  ['email', 'Email', 'string', { hasUniqueValue: true }],
  ['firstname', 'First Name', 'string'],
  ['lastname', 'Last Name', 'string'],
  ['phone', 'Phone Number', 'phone_number'],
  ['mobilephone', 'Mobile Phone Number', 'phone_number'],
  ['jobtitle', 'Job Title', 'string'],
  ['company', 'Company Name', 'string'],
  [
    'lifecyclestage',
    'Lifecycle Stage',
    'enumeration',
    { fieldType: 'radio', options: ['subscriber', 'lead', 'opportunity', 'customer', 'evangelist', 'other'] },
  ],
  ['associatedcompanyid', 'Primary Associated Company ID', 'number', readOnly],
]

function readDefinitions(groupName: string, definitions: readonly Definition[]): Map<string, Property> {
  return new Map(
    definitions.map(([name, label, type, options]) => [
      name,
      defineProperty(name, label, type, { groupName, hubspotDefined: true, ...options }),
    ]),
  )
}

function defineObject(
  schema: Omit<ObjectSchema, 'properties' | 'groups'>,
  definitions: readonly Definition[],
): ObjectSchema {
  const groupName = `${schema.singular}information`
  const label = `${schema.singular.charAt(0).toUpperCase()}${schema.singular.slice(1)} information`
  return {
    ...schema,
    properties: readDefinitions(groupName, [...ofEveryObject, ...definitions]),
    groups: new Map([[groupName, { name: groupName, label, displayOrder: 0 }]]),
  }
}

/** `currencies` starts with the portal's own. */
export function defineStandardObjects(currencies: readonly string[]): readonly ObjectSchema[] {
  const deals = defineObject(
    {
      name: 'deals',
      singular: 'deal',
      typeId: '0-3',
      defaultProperties: [
        'amount',
        'closedate',
        'createdate',
        'dealname',
        'dealstage',
        'hs_lastmodifieddate',
        'hs_object_id',
        'pipeline',
      ],
      modifiedProperty: 'hs_lastmodifieddate',
      displayProperty: 'dealname',
      searched: ['dealname', 'pipeline', 'dealstage', 'description', 'dealtype'],
      hasPipelines: true,
      identifying: [],
    },
    ofDeals(currencies),
  )
  const companies = defineObject(
    {
      name: 'companies',
      singular: 'company',
      typeId: '0-2',
      defaultProperties: ['createdate', 'domain', 'hs_lastmodifieddate', 'hs_object_id', 'name'],
      modifiedProperty: 'hs_lastmodifieddate',
      displayProperty: 'name',
      searched: ['website', 'phone', 'name', 'domain'],
      hasPipelines: false,
      identifying: ['name', 'domain'],
    },
    ofCompanies,
  )
  const contacts = defineObject(
    {
      name: 'contacts',
      singular: 'contact',
      typeId: '0-1',
      defaultProperties: ['createdate', 'email', 'firstname', 'hs_object_id', 'lastmodifieddate', 'lastname'],
      modifiedProperty: 'lastmodifieddate',
      displayProperty: 'email',
      searched: ['firstname', 'lastname', 'email', 'phone', 'company'],
      hasPipelines: false,
      identifying: ['email', 'firstname', 'lastname'],
    },
    ofContacts,
  )
  return [deals, companies, contacts]
}
