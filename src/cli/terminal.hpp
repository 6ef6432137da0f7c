#ifndef COAUTH_SRC_CLI_TERMINAL_HPP
#define COAUTH_SRC_CLI_TERMINAL_HPP

#include <string>
#include <string_view>

namespace coauth::cli
{

// The abilities of an output stream. Colours: if it is a terminal and the user wants them
// (https://no-color.org). Unicode: unless the locale excludes it.
class terminal
{
public:
    explicit terminal(int descriptor);

    [[nodiscard]] bool unicode() const noexcept { return unicode_; }

    [[nodiscard]] std::string bold(std::string_view text) const { return styled("1", text); }
    [[nodiscard]] std::string dim(std::string_view text) const { return styled("2", text); }
    [[nodiscard]] std::string red(std::string_view text) const { return styled("1;31", text); }
    [[nodiscard]] std::string green(std::string_view text) const { return styled("1;32", text); }
    [[nodiscard]] std::string cyan(std::string_view text) const { return styled("36", text); }

private:
    [[nodiscard]] std::string styled(char const* code, std::string_view text) const;

    bool colour_;
    bool unicode_;
};

} // namespace coauth::cli

#endif
