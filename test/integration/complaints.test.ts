import { describe } from 'vitest'
import { describeComplaints } from '#test/support/crm-troubles/complaints.ts'
import { openTroubledDynamics } from '#test/support/crm-troubles/dynamics.ts'
import { openTroubledHubspot } from '#test/support/crm-troubles/hubspot.ts'
import { openTroubledSalesforce } from '#test/support/crm-troubles/salesforce.ts'
import { useTroubledInstallation } from '#test/support/crm-troubles/troubled-installation.ts'

describe.each([
  ['Salesforce', openTroubledSalesforce],
  ['Dynamics 365', openTroubledDynamics],
  ['HubSpot', openTroubledHubspot],
])('in step with %s', (_name, openCrm) => {
  describeComplaints(useTroubledInstallation(openCrm))
})
