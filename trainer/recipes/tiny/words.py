"""The words that synthetic functions and questions are made of, written for this recipe.

`CONCEPTS` are parameters whose name says what the value is (a city, a date); everything else is composed from verbs,
nouns and adjectives, and from syllables where a word must be new to the model.
"""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|"))


VERBS = _words(
    "get find calculate compute search create update list check book order send convert estimate predict analyze "
    "compare fetch retrieve generate determine schedule track play buy sell rent reserve plan measure count sort "
    "filter translate identify locate evaluate recommend solve simulate draw paint record verify validate cancel "
    "add remove delete set open close start stop build design register download upload rank summarize "
    "describe explain classify detect extract format assign submit review rate invest transfer pay borrow return "
    "lookup query show display view save load sample mix cook bake hire train test inspect repair clean optimize"
)
"""First word of a function name and of a question."""

GERUND_FREE_OPENERS = _phrases(
    "Can you|Could you|Please|I want to|I need to|I would like to|Help me|Help me to|Let us|I am trying to|"
    "We need to|Would you please|Now|For my project,|For my work,|Quickly|I have to|Hi, can you|Hello, please"
)
"""What may come before the verb."""

NOUNS = _words(
    "area volume distance speed velocity weight height width length depth mass force pressure temperature energy power "
    "voltage current resistance frequency wavelength density angle radius diameter perimeter circumference surface "
    "acceleration momentum gravity friction torque charge field flux capacity concentration ratio rate percentage "
    "fraction probability mean median variance deviation correlation regression sequence series matrix vector "
    "equation function root factor product sum difference quotient remainder prime integer number digit base exponent "
    "logarithm derivative integral limit slope intercept curve line circle triangle rectangle square cube sphere "
    "cylinder cone polygon graph node edge path tree network cluster model dataset feature label score accuracy loss "
    "price cost budget salary income tax interest loan mortgage payment balance account deposit dividend stock share "
    "market portfolio return profit revenue expense discount invoice order cart item customer shipment package "
    "delivery address city country state region street house room hotel flight ticket seat train bus car bike ship "
    "route trip travel journey map location destination weather forecast rain snow wind storm humidity climate season "
    "recipe ingredient meal dish calorie protein diet restaurant menu table reservation drink coffee tea cake bread "
    "movie film actor director song album artist band concert playlist genre book author title chapter page library "
    "game player team league match tournament goal point season coach ranking record medal sport exercise workout "
    "patient doctor hospital medicine dose symptom disease treatment appointment blood heart brain gene protein cell "
    "virus species animal plant flower forest river lake ocean mountain island planet star galaxy orbit satellite "
    "school student teacher course lesson grade exam homework project task event meeting calendar date time hour "
    "minute day week month year century holiday birthday reminder alarm message email phone contact user password "
    "profile file folder document image photo video audio text word sentence language translation dictionary code "
    "server database table row column query result report chart law case court judge lawyer contract company "
    "employee manager job position department office museum painting sculpture statue instrument guitar piano drum "
    "note chord scale tempo color paint wall floor roof garden soil seed crop farm fruit vegetable material metal "
    "wood paper fabric dress shirt shoe size brand store shop mall product category review rating survey vote "
    "election president king war battle history culture religion god myth treaty population community family friend "
    "child parent person name age gender sign luck dream card deck dice chess move board piece puzzle level skill "
    "engine fuel tire battery device sensor signal camera lens light lamp heat oven water gas oil solution mixture "
    "element atom molecule compound reaction acid enzyme sample experiment theory law formula unit currency exchange "
    "coin bank fund bond asset risk value growth inflation period term duration amount quantity total maximum "
    "minimum average range interval threshold limit start end origin target source method type style format mode "
    "option filter sort status priority preference condition description detail comment note key index"
)
"""Things: parts of function and parameter names."""

ADJECTIVES = _words(
    "initial final total average maximum minimum annual monthly daily weekly current previous next first second third "
    "last new old large small high low long short fast slow hot cold warm dark light heavy main local global public "
    "private national regional international north south east west upper lower left right inner outer front back full "
    "empty open closed real virtual random exact nearest cheapest best top popular recent upcoming available special "
    "standard normal default custom simple complex linear quadratic quick basic advanced digital electric magnetic "
    "thermal nuclear chemical medical legal financial historical musical natural organic fresh dry wet deep wide thin"
)

MODULES = _words(
    "math geometry algebra finance weather travel music sports health food shop library calendar physics chemistry "
    "biology statistics legal maps hotel flight movies games school bank crypto market social data text image video "
    "util tools history art astronomy ecology genetics transport traffic kitchen restaurant real_estate museum events"
)
"""First part of a dotted function name."""

UNITS = _phrases(
    "meters|kilometers|miles|feet|inches|centimeters|cm|km|kg|kilograms|grams|pounds|liters|gallons|seconds|minutes|"
    "hours|days|weeks|months|years|degrees|units|dollars|euros|percent|volts|watts|joules|newtons|hertz|points|m/s|"
    "mph|km/h|m|kg/m^3|atm|mol|tons|USD"
)

COUNTED = _words(
    "people guests rooms items books tickets days nights hours weeks months years steps pages songs movies players "
    "results students adults children cups pieces photos samples rounds games points passengers bedrooms servings "
    "employees recipes articles cards dice attempts copies seats bottles boxes trees"
)
"""Plural things for `num_...` parameters."""

CITIES = _phrases(
    "Paris|London|Berlin|Madrid|Rome|Vienna|Prague|Lisbon|Dublin|Oslo|Helsinki|Athens|Warsaw|Budapest|Zurich|Geneva|"
    "Munich|Hamburg|Milan|Naples|Venice|Florence|Barcelona|Amsterdam|Brussels|Stockholm|Copenhagen|Istanbul|Cairo|"
    "Nairobi|Lagos|Delhi|Mumbai|Bangalore|Shanghai|Beijing|Tokyo|Osaka|Kyoto|Seoul|Bangkok|Singapore|Jakarta|Manila|"
    "Sydney|Melbourne|Perth|Auckland|Toronto|Vancouver|Montreal|New York|New York City|Los Angeles|San Francisco|"
    "San Diego|Las Vegas|Salt Lake City|Chicago|Boston|Seattle|Denver|Austin|Houston|Dallas|Miami|Atlanta|Phoenix|"
    "Portland|Detroit|Philadelphia|Washington|Mexico City|Lima|Bogota|Santiago|Buenos Aires|Rio de Janeiro|Sao Paulo|"
    "Havana|Dubai|Doha|Tehran|Baghdad|Moscow|Kiev|Cape Town|Hong Kong|Taipei|Hanoi|New Orleans|Santa Fe|Oxford"
)

STATES = _phrases(
    "California|Texas|Florida|New York|Nevada|Oregon|Washington|Colorado|Arizona|Utah|Ohio|Georgia|Virginia|Alaska|"
    "Hawaii|Michigan|Illinois|Montana|North Carolina|New Jersey|New Mexico|South Dakota|CA|NY|TX|FL|WA|IL"
)

COUNTRIES = _phrases(
    "France|Germany|Spain|Italy|Portugal|Greece|Turkey|Egypt|Kenya|Nigeria|India|China|Japan|Korea|Thailand|Vietnam|"
    "Indonesia|Australia|New Zealand|Canada|Mexico|Brazil|Argentina|Chile|Peru|Cuba|Russia|Poland|Sweden|Norway|"
    "Finland|Denmark|Ireland|Scotland|England|Belgium|Austria|Switzerland|United States|USA|UK|United Kingdom"
)

FIRST = _words(
    "John Mary James Anna Peter Laura David Sarah Michael Emma Robert Linda Thomas Julia Daniel Alice Paul Maria Mark "
    "Susan George Helen Kevin Nina Oliver Sophia Lucas Emily Jack Grace Henry Clara Leo Ruth Adam Eva Victor Irene "
    "Bob Carol Frank Diana Tom Jane Sam Kate Max Lily Albert Isaac Marie Charles William Elizabeth Alexander"
)

LAST = _words(
    "Smith Johnson Brown Miller Davis Wilson Moore Taylor Anderson Jackson White Harris Martin Clark Lewis Walker Hall "
    "Young King Wright Hill Green Baker Adams Nelson Carter Mitchell Turner Parker Evans Collins Stewart Morris Cook"
)

COMPANIES = _phrases(
    "Apple|Google|Amazon|Microsoft|Tesla|Netflix|Toyota|Honda|Ford|Samsung|Sony|Intel|Nike|Adidas|IBM|Boeing|Pepsi|"
    "Walmart|Siemens|Nokia|Acme Corp|Global Tech Inc|Blue River Ltd|AAPL|GOOG|TSLA|MSFT|AMZN|NFLX"
)

FOODS = _phrases(
    "pizza|pasta|rice|salad|soup|bread|chicken|beef|fish|cheese|apple|banana|orange|lemon|tomato|potato|carrot|onion|"
    "garlic|chocolate|ice cream|apple pie|chicken curry|vegetable soup|pancakes|cookies|sushi|tacos|milk|eggs|butter"
)

COLORS = _words("red blue green yellow black white purple orange brown pink gray silver gold cyan")
LANGUAGES = _words(
    "English French German Spanish Italian Chinese Japanese Korean Russian Arabic Portuguese Hindi Latin"
)
CURRENCIES = _words("USD EUR GBP JPY CAD AUD CHF CNY INR dollars euros pounds yen BTC")
MONTHS = _words("January February March April May June July August September October November December")
WEEKDAYS = _words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
SPORTS = _words("football basketball tennis soccer baseball hockey cricket golf rugby swimming volleyball boxing chess")
ANIMALS = _words("dog cat horse lion tiger bear wolf eagle shark whale elephant monkey rabbit snake frog bee deer")
GENRES = _phrases(
    "rock|pop|jazz|classical|blues|country|action|comedy|drama|horror|romance|fantasy|mystery|science fiction"
)
INSTRUMENTS = _words("guitar piano violin drums flute cello trumpet saxophone harp clarinet")
MATERIALS = _words(
    "steel iron copper gold silver aluminum glass wood plastic concrete water air oil oxygen hydrogen carbon"
)
CUISINES = _words("Italian Chinese Indian Mexican French Thai Japanese Greek Turkish vegan vegetarian American Spanish")

TOPICS = _phrases(
    "climate change|world history|machine learning|space travel|solar energy|human rights|modern art|deep sea life|"
    "renewable energy|data science|Roman Empire|French Revolution|Civil War|World War II|Industrial Revolution|"
    "quantum physics|global warming|artificial intelligence|public health|ancient Egypt|stock market|gene therapy"
)

ENUMS = _phrases(
    "metric imperial|celsius fahrenheit|celsius fahrenheit kelvin|low medium high|small medium large|male female|"
    "asc desc|ascending descending|driving walking cycling|fast slow|beginner intermediate advanced|economy business first|"
    "morning afternoon evening|hourly daily weekly|daily weekly monthly yearly|json xml csv|short long|public private|"
    "easy normal hard|north south east west|simple compound|open closed|red green blue|single double suite|"
    "forward backward|linear quadratic cubic|full partial|breakfast lunch dinner|major minor|buy sell|left right"
)

FLAG_VERBS = _words("include show use allow return exclude enable send save require apply keep")
"""First word of a boolean parameter."""

FUNCTION_WORDS = _words(
    "of the a an in is and for to with at from on by as are be or if that this between using into per which what how "
    "it its was were has have will can should not me my you your i we our please than then also within during over "
    "under about up out all any each given based"
)
"""Words that carry no value; the tokenizer joins them with the space before them."""

GENERAL = _words(
    "value values list name names optional default defaults defaulted specify specified specifies provided calculated "
    "used returned required whether true false none following example such like where when who whose many much there "
    "want need would could know tell give make take use look looking see show need needs help now today tomorrow "
    "yesterday tonight near nearby around only just more less most least same different other another some every "
    "both either starting ending located made called named set having containing including excluding without "
    "measured expressed format string integer float boolean array tuple dict parameter parameters input output "
    "first one two three four five six seven eight nine ten twelve twenty hundred thousand million billion "
    "object objects units degrees celsius fahrenheit meters seconds kilograms hours minutes days years dollars "
    "percent specific certain particular possible additional information data details function functions "
    "according along across after before until since through against because while so but do does did done "
    "go going get gets getting find finding finds calculates computes retrieves returns creates searches converts "
    "estimates predicts generates determines performs provides perform provide calculating per unit area"
)
"""Other common words of descriptions and questions."""

SYLLABLES_START = _words("b br c ch cl d dr f fl g gr h j k kr l m n p pl pr qu r s sh sk sl st t th tr v w z bl gl")
SYLLABLES_MIDDLE = _words("a e i o u ai ea ee ou oa ie y")
SYLLABLES_END = _words("n r s t l m d k x nd rt st ck sh th ng p v z") + ("", "", "", "", "")
