# Stops a build whose configuration can't give a working box, before anything is parsed or built.

addhandler amora_checks_eventhandler
amora_checks_eventhandler[eventmask] = "bb.event.SanityCheck"
python amora_checks_eventhandler() {
    found = amora.checks.of_configuration(e.data)
    if found:
        bb.fatal(amora.checks.report(found))
}
