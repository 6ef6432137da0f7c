#ifndef COAUTH_SRC_CLI_TRACE_HPP
#define COAUTH_SRC_CLI_TRACE_HPP

#include <coauth/client_config.hpp>
#include <coauth/discover.hpp>

#include "cli/timeline.hpp"

#include <memory>

namespace coauth::cli
{

// The output of --verbose on standard error: events, requests, responses and times.
class trace
{
public:
    // Prints the events, requests and responses of clients with this configuration, and records
    // their times.
    void attach(client_config& config);
    // Prints the requests and responses of a discovery.
    static void attach(discovery_options& options);
    // Prints the recorded times, if any.
    void print_timeline() const;

private:
    std::shared_ptr<timeline> timeline_;
};

} // namespace coauth::cli

#endif
