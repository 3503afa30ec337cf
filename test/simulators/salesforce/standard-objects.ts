/** The objects of a sales organisation. */
import { permissionObjects } from './permission-objects.ts'
import { account, contact, opportunity } from './sales-objects.ts'
import type { ObjectSchema } from './schema.ts'
import { currencyType, opportunityStage, organization, user } from './setup-objects.ts'

/** `multiCurrency` adds CurrencyIsoCode and the CurrencyType object, as switching the feature on does. */
export function defineStandardObjects(multiCurrency: boolean): readonly ObjectSchema[] {
  return [
    account(multiCurrency),
    contact(multiCurrency),
    opportunity(multiCurrency),
    user(multiCurrency),
    opportunityStage(),
    organization(),
    ...permissionObjects(),
    ...(multiCurrency ? [currencyType()] : []),
  ]
}
