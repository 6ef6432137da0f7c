#include "cli/flags.hpp"

#include <boost/program_options.hpp>

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

namespace coauth::cli
{
namespace
{

namespace po = boost::program_options;

std::size_t edit_distance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i)
    {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j)
        {
            std::size_t const replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

// The known flag that is most similar to the typed one, if any is similar.
std::optional<std::string>
find_nearest_flag(po::options_description const& known, std::string_view typed)
{
    std::optional<std::string> nearest;
    std::size_t smallest = std::min<std::size_t>(3, typed.size() / 2 + 1);
    for (auto const& option : known.options())
    {
        std::string const name = "--" + option->long_name();
        bool const is_prefix = typed.size() > 4 && name.compare(0, typed.size(), typed) == 0;
        std::size_t const distance = is_prefix ? 0 : edit_distance(name, typed);
        if (distance < smallest)
        {
            smallest = distance;
            nearest = name;
        }
    }
    return nearest;
}

// Every user who may list processes can read arguments.
bool is_secret_flag(std::string_view argument)
{
    auto const name = argument.substr(0, argument.find('='));
    for (char const* const flag :
         {"--client-secret", "--secret", "--password", "--application-secret"})
        if (name == flag)
            return true;
    return false;
}

constexpr char const* secret_message =
    "do not give a client secret as an argument, where every user of this machine can read it: "
    "put it into a file and name that with --client-secret-file FILE, or pipe it to "
    "--client-secret-file -, or set COAUTH_CLIENT_SECRET";

std::string see_help(std::string_view command)
{
    return "; see " + std::string(command) + " --help";
}

error unknown_flag(std::string name, po::options_description const& known, std::string_view command)
{
    // The text after the sign may be a secret.
    name.resize(std::min(name.size(), name.find('=')));
    auto const nearest = find_nearest_flag(known, name);
    std::string const hint = nearest ? "; did you mean " + *nearest + "?" : see_help(command);
    return usage_error("there is no flag " + name + hint);
}

std::string with_dashes(std::string const& name)
{
    return name.starts_with('-') ? name : "--" + name;
}

result<po::parsed_options>
parse(arguments const& args, po::options_description const& known, std::string_view command)
{
    // Without abbreviations: their meaning would change when a flag is added.
    constexpr auto style =
        po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    try
    {
        return po::command_line_parser(args).options(known).style(style).run();
    }
    catch (po::unknown_option const& e)
    {
        return unknown_flag(with_dashes(e.get_option_name()), known, command);
    }
    catch (po::invalid_command_line_syntax const& e)
    {
        auto const flag = with_dashes(e.get_option_name());
        bool const extra = e.kind() == po::invalid_syntax::extra_parameter;
        return usage_error(
            flag + (extra ? " takes no value" : " needs a value") + see_help(command));
    }
    catch (po::error const&)
    {
        return usage_error("the flags cannot be read" + see_help(command));
    }
}

// An empty value is usually an unset variable of a script. If it meant that the flag is absent, the
// wrong server could get the credentials.
result<void> check_values(po::parsed_options const& parsed)
{
    for (auto const& option : parsed.options)
        for (auto const& value : option.value)
            if (value.empty())
                return usage_error(
                    with_dashes(option.string_key) +
                    " has an empty value; give one, or leave out the flag");
    return {};
}

} // namespace

error usage_error(std::string message)
{
    error_info info;
    info.context = std::move(message);
    return {errc::invalid_configuration, std::move(info)};
}

bool selects_json(arguments const& args)
{
    for (std::size_t i = 0; i < args.size(); ++i)
    {
        bool const separate = args[i] == "--output" || args[i] == "-o";
        if (separate && i + 1 < args.size() && args[i + 1] == "json")
            return true;
        if (args[i] == "--output=json" || args[i] == "-ojson")
            return true;
    }
    return false;
}

result<void>
read_flags(arguments const& args, po::options_description const& known, std::string_view command)
{
    if (std::any_of(args.begin(), args.end(), is_secret_flag))
        return usage_error(secret_message);
    auto const parsed = parse(args, known, command);
    if (!parsed)
        return parsed.error();
    for (auto const& option : parsed->options)
        if (option.position_key >= 0)
            return usage_error(
                "argument " + std::to_string(option.position_key + 1) +
                " without a flag is not expected" + see_help(command));
    if (auto const good = check_values(*parsed); !good)
        return good;
    po::variables_map values;
    try
    {
        po::store(*parsed, values);
        po::notify(values);
    }
    catch (po::multiple_occurrences const& e)
    {
        return usage_error(with_dashes(e.get_option_name()) + " is given twice");
    }
    catch (po::error_with_option_name const& e)
    {
        return usage_error(
            "the value of " + with_dashes(e.get_option_name()) + " cannot be read" +
            see_help(command));
    }
    return {};
}

} // namespace coauth::cli
