/**
 * What each figure that compares two companies weighs, in the logarithm of odds. Data: fitted by test/bench/fit-likeness.ts
 * on the development halves of public sets of companies. What those sets never show (numbers of registers) is set by hand.
 */
export const weights = {
  sameIdentifier: 9,
  otherIdentifier: -2,
  sameDomain: 6.56,
  siblingDomain: 1.68,
  otherDomain: -4.5,
  namedByDomain: 1.11,
  equal: 0.02,
  joined: 2.36,
  reordered: 2.67,
  equalButVague: -2.11,
  acronym: 4.93,
  common: 0,
  covered: 0,
  telling: 0,
  sameFirst: 0,
  otherFirst: -0.73,
  contained: 2.49,
  containedAtAll: -2.16,
  containedInside: -0.21,
  sameRare: 2.16,
  onlyOne: 0,
  onlyOneRare: -1.25,
  onlyOneVehicle: -1.7,
  bothOther: 0,
  anyOther: -4,
  appendedOne: -0.09,
  appendedOther: -3.3,
  misspelled: 0,
  misspelledShort: -0.75,
  abbreviated: 0,
  abbreviatedFirst: 0,
  manyLetters: 3.99,
  sameForm: 0,
  otherForm: -1.38,
  otherNumber: -3.13,
  numberedSibling: -6,
  oneNumber: 0,
  sameCountry: 0.5,
  otherCountry: -1.6,
  sameCity: 0,
  otherCity: -0.6,
  samePostalCode: 1.51,
  otherPostalCode: -0.8,
  samePhone: 1.25,
  otherPhone: -0.8,
  sameAddress: 3.04,
  otherAddress: -2.5,
}

export type CompanyFigure = keyof typeof weights

/** What two companies start with before anything is known. */
export const baseline = -0.16
