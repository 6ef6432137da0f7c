#include "cli/store_warnings.hpp"

#include "cli/own_words.hpp"
#include "cli/sanitize_for_terminal.hpp"
#include "cli/terminal.hpp"

#include <iostream>
#include <string>
#include <unistd.h>
#include <utility>

namespace coauth::cli
{
namespace
{

void warn(std::string const& text)
{
    std::cerr << terminal(STDERR_FILENO).red("coauth: ") << sanitize_for_terminal(text) << '\n';
}

} // namespace

void store_warnings::on_store_operation_ended(store_operation_ended const& event)
{
    if (event.operation == store_operation::publish && event.error != nullptr)
        warn_once(*event.error);
}

void store_warnings::on_store_bypassed(store_bypassed const& event)
{
    if (event.error != nullptr)
        warn_once(*event.error);
}

void store_warnings::on_record_unusable(record_unusable const& event)
{
    warn("a token in the store is replaced: " + in_words_of_store(event.error).info().context);
}

// After a claim without a response, publishing fails too.
void store_warnings::warn_once(error const& failure)
{
    if (!std::exchange(has_warned_, true))
        warn("the token is not shared: " + in_words_of_store(failure).message());
}

} // namespace coauth::cli
