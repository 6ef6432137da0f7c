#ifndef COAUTH_SRC_CLI_TRACE_HPP
#define COAUTH_SRC_CLI_TRACE_HPP

#include <coauth/client_config.hpp>
#include <coauth/discover.hpp>

#include "cli/timeline.hpp"

#include <memory>

namespace coauth::cli
{

// What --verbose shows on standard error: requests, responses and where the time went.
class trace
{
public:
    // From now on all that a client of this configuration says and hears is shown.
    void watch(client_config& config);
    // The same of a discovery, but for where the time went.
    static void watch(discovery_options& options);
    // Shows where the time went, if anything was watched.
    void end() const;

private:
    std::shared_ptr<timeline> phases_;
};

} // namespace coauth::cli

#endif
