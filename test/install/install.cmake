# Installs a build tree, and moves the result: an installed tree must not know where it was made.
file(REMOVE_RECURSE ${PREFIX} ${PREFIX}.made)
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX}.made
    COMMAND_ERROR_IS_FATAL ANY)
file(RENAME ${PREFIX}.made ${PREFIX})
