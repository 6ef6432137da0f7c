#ifndef COAUTH_SRC_CLI_TIMELINE_HPP
#define COAUTH_SRC_CLI_TIMELINE_HPP

#include <coauth/log_observer.hpp>

#include "cli/terminal.hpp"

#include <string>
#include <vector>

namespace coauth::cli
{

// Collects the phases of one operation, and draws a chart of their times. Logs the other events.
class timeline final : public log_observer
{
public:
    using log_observer::log_observer;

    void on_phase_ended(phase_ended const& event) override { phases_.push_back(event); }

    // One bar for each phase, on a common time scale. Empty if there was no phase.
    [[nodiscard]] std::string chart(terminal const& output) const;

private:
    std::vector<phase_ended> phases_;
};

} // namespace coauth::cli

#endif
