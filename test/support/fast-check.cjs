// fast-check, with one seed for the whole suite: a green run is green again. FAST_CHECK_SEED=n tries other cases.
const fastCheck = require('../../node_modules/fast-check/lib/cjs/fast-check.js')

fastCheck.configureGlobal({ ...fastCheck.readConfigureGlobal(), seed: Number(process.env.FAST_CHECK_SEED ?? 1) })
module.exports = fastCheck
