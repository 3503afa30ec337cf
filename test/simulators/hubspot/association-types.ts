/** The kinds of association between deals, companies and contacts; ids are fixed, labels may be renamed. */

export interface AssociationType {
  readonly id: number
  readonly category: 'HUBSPOT_DEFINED' | 'USER_DEFINED'
  readonly from: string
  readonly to: string
  readonly label: string | null
  /** The type that says the same from the other end. */
  readonly inverse: number
  /** Only one of a record's associations carries it. */
  readonly primary: boolean
  /** As the older way of reading associations names it. */
  readonly name: string
}

type Pair = readonly [
  from: string,
  to: string,
  id: number,
  inverse: number,
  name: string,
  inverseName: string,
]

const unlabelled: readonly Pair[] = [
  ['deals', 'companies', 341, 342, 'deal_to_company_unlabeled', 'company_to_deal_unlabeled'],
  ['deals', 'contacts', 3, 4, 'deal_to_contact', 'contact_to_deal'],
  ['contacts', 'companies', 279, 280, 'contact_to_company_unlabeled', 'company_to_contact_unlabeled'],
]

const primary: readonly Pair[] = [
  ['deals', 'companies', 5, 6, 'deal_to_company', 'company_to_deal'],
  ['contacts', 'companies', 1, 2, 'contact_to_company', 'company_to_contact'],
]

const both = (pairs: readonly Pair[], isPrimary: boolean): AssociationType[] =>
  pairs.flatMap(([from, to, id, inverse, name, inverseName]) => {
    const shared = { category: 'HUBSPOT_DEFINED', label: isPrimary ? 'Primary' : null } as const
    return [
      { ...shared, id, from, to, inverse, primary: isPrimary, name },
      { ...shared, id: inverse, from: to, to: from, inverse: id, primary: isPrimary, name: inverseName },
    ]
  })

export const standardTypes: readonly AssociationType[] = [...both(primary, true), ...both(unlabelled, false)]
