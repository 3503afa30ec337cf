import { describeCallFaults } from '#test/support/crm-troubles/call-faults.ts'
import { describeRecordFaults } from '#test/support/crm-troubles/record-faults.ts'
import { openTroubledSalesforce } from '#test/support/crm-troubles/salesforce.ts'
import { useTroubledInstallation } from '#test/support/crm-troubles/troubled-installation.ts'

const prm = useTroubledInstallation(openTroubledSalesforce)
describeCallFaults(prm)
describeRecordFaults(prm)
