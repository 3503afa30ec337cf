/** The products that codes stand for, whatever their case, in one query; keys of the answer are lower case. */
export { readByCode as identifyProducts } from './product-lookup-store.ts'
