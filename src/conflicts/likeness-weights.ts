/**
 * What each figure that compares two companies weighs, in the logarithm of odds. Data: fitted by
 * test/bench/fit-likeness.ts on the development halves of public sets of companies. What those sets never show (numbers
 * of registers), or show too much of (sites with one address, firms with one domain), is set by hand.
 */
export const weights = {
  sameIdentifier: 9,
  otherIdentifier: -2,
  sameDomain: 6.54,
  siblingDomain: 1.59,
  otherDomain: -4.5,
  namedByDomain: 1.02,
  equal: 0,
  joined: 2.21,
  reordered: 2.8,
  equalButVague: -2.2,
  acronym: 5.4,
  common: 0,
  covered: 0,
  telling: 0,
  sameFirst: 0,
  otherFirst: -0.75,
  contained: 2.8,
  containedAtAll: -2.68,
  containedInside: 0,
  sameRare: 2.47,
  onlyOne: 0,
  onlyOneRare: -1.13,
  onlyOneVehicle: -1.89,
  bothOther: 0,
  anyOther: -4.3,
  appendedOne: 0,
  appendedOther: -4.13,
  misspelled: 0,
  misspelledShort: -0.8,
  abbreviated: 0,
  abbreviatedFirst: 0,
  manyLetters: 3.81,
  sameForm: 0.2,
  otherForm: -1.11,
  otherNumber: -2.96,
  numberedSibling: -5.5,
  oneNumber: -0.5,
  sameCountry: 0.5,
  otherCountry: -1.6,
  sameCity: 0.5,
  otherCity: -0.6,
  samePostalCode: 1.57,
  otherPostalCode: -0.8,
  samePhone: 1.1,
  otherPhone: -0.8,
  sameAddress: 3.16,
  otherAddress: -2.5,
}

export type CompanyFigure = keyof typeof weights

/** What two companies start with before anything is known. */
export const baseline = -0.23
