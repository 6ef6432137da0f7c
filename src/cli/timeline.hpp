#ifndef COAUTH_SRC_CLI_TIMELINE_HPP
#define COAUTH_SRC_CLI_TIMELINE_HPP

#include <coauth/observer.hpp>

#include "cli/terminal.hpp"

#include <string>
#include <vector>

namespace coauth::cli
{

// Collects the phases of one operation, to draw where its time went.
class timeline final : public observer
{
public:
    void on_phase_ended(phase_ended const& event) override { phases_.push_back(event); }

    // A bar for each phase, on one scale from left to right. Empty when there was none.
    [[nodiscard]] std::string chart(terminal const& where) const;

private:
    std::vector<phase_ended> phases_;
};

} // namespace coauth::cli

#endif
