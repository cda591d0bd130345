# Refuses to build an image that would be unsafe or could not be updated, and says why when it is asked for. Other recipes,
# and parsing, go on.

python () {
    found = amora.checks.of_image(d)
    if found:
        raise bb.parse.SkipRecipe(amora.checks.report(found))
}
