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
    "filter translate identify locate evaluate recommend solve simulate draw paint record verify validate cancel add "
    "remove delete set open close start stop build design register download upload rank summarize describe explain "
    "classify detect extract format assign submit review rate invest transfer pay borrow return lookup query show "
    "display view save load sample mix cook bake hire train test inspect repair clean optimize"
)
"""First word of a function name and of a question."""

GERUND_FREE_OPENERS = _phrases(
    "Can you|Could you|Please|I want to|I need to|I would like to|Help me|Help me to|Let us|I am trying to|"
    "We need to|Would you please|Now|For my project,|For my work,|Quickly|I have to|Hi, can you|Hello, please"
)
"""What may come before the verb."""

NOUNS = _words(
    "area volume distance speed velocity weight height width length depth mass force pressure temperature energy "
    "power voltage current resistance frequency wavelength density angle radius diameter perimeter circumference "
    "surface acceleration momentum gravity friction torque charge field flux capacity concentration ratio rate "
    "percentage fraction probability mean median variance deviation correlation regression sequence series matrix "
    "vector equation function root factor product sum difference quotient remainder prime integer number digit base "
    "exponent logarithm derivative integral limit slope intercept curve line circle triangle rectangle square cube "
    "sphere cylinder cone polygon graph node edge path tree network cluster model dataset feature label score "
    "accuracy loss price cost budget salary income tax interest loan mortgage payment balance account deposit "
    "dividend stock share market portfolio return profit revenue expense discount invoice order cart item customer "
    "shipment package delivery address city country state region street house room hotel flight ticket seat train bus "
    "car bike ship route trip travel journey map location destination weather forecast rain snow wind storm humidity "
    "climate season recipe ingredient meal dish calorie protein diet restaurant menu table reservation drink coffee "
    "tea cake bread movie film actor director song album artist band concert playlist genre book author title chapter "
    "page library game player team league match tournament goal point coach ranking record medal sport exercise "
    "workout patient doctor hospital medicine dose symptom disease treatment appointment blood heart brain gene cell "
    "virus species animal plant flower forest river lake ocean mountain island planet star galaxy orbit satellite "
    "school student teacher course lesson grade exam homework project task event meeting calendar date time hour "
    "minute day week month year century holiday birthday reminder alarm message email phone contact user password "
    "profile file folder document image photo video audio text word sentence language translation dictionary code "
    "server database row column query result report chart law case court judge lawyer contract company employee "
    "manager job position department office museum painting sculpture statue instrument guitar piano drum note chord "
    "scale tempo color paint wall floor roof garden soil seed crop farm fruit vegetable material metal wood paper "
    "fabric dress shirt shoe size brand store shop mall category review rating survey vote election president king "
    "war battle history culture religion god myth treaty population community family friend child parent person name "
    "age gender sign luck dream card deck dice chess move board piece puzzle level skill engine fuel tire battery "
    "device sensor signal camera lens light lamp heat oven water gas oil solution mixture element atom molecule "
    "compound reaction acid enzyme sample experiment theory formula unit currency exchange coin bank fund bond asset "
    "risk value growth inflation period term duration amount quantity total maximum minimum average range interval "
    "threshold start end origin target source method type style format mode option filter sort status priority "
    "preference condition description detail comment key index"
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
    "Smith Johnson Brown Miller Davis Wilson Moore Taylor Anderson Jackson White Harris Martin Clark Lewis Walker "
    "Hall Young King Wright Hill Green Baker Adams Nelson Carter Mitchell Turner Parker Evans Collins Stewart Morris "
    "Cook"
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
    "asc desc|ascending descending|driving walking cycling|fast slow|beginner intermediate advanced|"
    "economy business first|morning afternoon evening|hourly daily weekly|daily weekly monthly yearly|json xml csv|"
    "short long|public private|easy normal hard|north south east west|simple compound|open closed|red green blue|"
    "single double suite|forward backward|linear quadratic cubic|full partial|breakfast lunch dinner|major minor|"
    "buy sell|left right"
)

FLAG_VERBS = _words("include show use allow return exclude enable send save require apply keep")
"""First word of a boolean parameter."""

FUNCTION_WORDS = _words(
    "of the a an in is and for to with at from on by as are be or if that this between using into per which what how "
    "it its was were has have will can should not me my you your i we our please than then also within during over "
    "under about up out all any each given based"
)
"""Words that carry no value."""

JOINED = _words(
    "the of and for with to is are from that this given using between into which what how have has was during about"
)
"""Words that the tokenizer joins with the space before them; none is likely to start an unknown word."""

GENERAL = _words(
    "value values list name names optional default defaults defaulted specify specified specifies provided calculated "
    "used returned required whether true false none following example such like where when who whose many much there "
    "want need would could know tell give make take use look looking see show needs help now today tomorrow yesterday "
    "tonight near nearby around only just more less most least same different other another some every both either "
    "starting ending located made called named set having containing including excluding without measured expressed "
    "format string integer float boolean array tuple dict parameter parameters input output first one two three four "
    "five six seven eight nine ten twelve twenty hundred thousand million billion object objects units degrees "
    "celsius fahrenheit meters seconds kilograms hours minutes days years dollars percent specific certain particular "
    "possible additional information data details function functions according along across after before until since "
    "through against because while so but do does did done go going get gets getting find finding finds calculates "
    "computes retrieves returns creates searches converts estimates predicts generates determines performs provides "
    "perform provide calculating per unit area"
)
"""Other common words of descriptions and questions."""

EXTRA = _words(
    "able above absolute academic accept access according account achieve active activity actual adjust adult advance "
    "advice affect age agent agreement air airport alert algorithm allergy ancient announce annual answer apartment "
    "appear apply approach approximate architecture argument arm army arrange arrival arrive article aspect "
    "assessment assist association atmosphere attack attempt attend attention attitude auction audience authority "
    "automatic away baby bacteria bag balanced ball bar base basis basket bath beach bear beautiful become bed begin "
    "behavior belief benefit better big bill binary biological birth bite block blog board boat body boil bone bonus "
    "boot border boundary bowl box boy branch break bridge bright bring broad broken budgeting build building bulk "
    "burn business busy cabin calculator call camp campaign candidate capital capture carbon care career carry case "
    "cash cast catch cause celebrate celestial center central century ceremony certificate chain chair challenge "
    "champion chance change channel chapter character charity chat cheap check chemistry chief choice choose church "
    "circuit citizen civil claim class classic clear click client clinic clock cloth cloud club coast coat code "
    "coefficient coin cold collect college column combine come comfort command commercial commission common "
    "communication compete competition complete component computer concept concern concert condition conference "
    "confirm connect connection conservation consider constant constitution construction consult consume consumer "
    "consumption contact contain contemporary content context continent continue contrast contribute control "
    "conversation conversion copy corner corporate correct cotton council counter county couple court cover craft "
    "crash create credit crime criminal crisis criteria critical cross crowd crystal cup customer cut cycle dance "
    "danger dark dash data dead deal death debate debt decade decide decimal decision decrease deep defense define "
    "degree delay deliver demand democracy density depart departure depend deposit depreciation desert deserve desire "
    "desk detail develop development diagnosis dialog diet digital dimension dinner direct direction directions "
    "director disaster discover discovery discuss discussion display distribution district divide divided division "
    "doctor domain domestic door double doubt down draft dramatic drop drug due duplicate duty dynamic early earn "
    "earth ease east economic economy edge edit edition editor education effect efficiency effort election electrical "
    "electricity electron elevation email emergency emission emotion empire employment encounter encryption end "
    "engine engineering enough enter entertainment entire entrance entry environment environmental equal equipment "
    "equity equivalent error escape essay estate ethnic evening event ever everyone evidence evolution exact example "
    "except excess exchange executive exhibition exist expand expect expected expert expiration explore export "
    "express extend extension external extra eye face facility fact factor factorial factory fail fair fall false "
    "famous fan far fashion fast fat father favorite feedback feel female fiction fidelity fight figure final find "
    "finding fine finger finish fire firm first fit fitness fix flat flavor fleet flexible flow fluid fly focus "
    "folder follow foot forest forever form former forward found foundation frame free freedom freight freeze "
    "frequent friendly front fuel full fun functional furniture future gallery gaming garage gather gender general "
    "generation genetic genotype geography geometry ghost gift girl glacier glass goal gold good goods government "
    "governor grab gradient graduate grand grant graph gravitational great greatest green grid grocery gross ground "
    "group grow guest guide guideline habit habitat hand handle happen happy hard harvest hate head headline hear "
    "hearing heating help helpful hero hidden highlight highway hike hill hit hobby hold hole home honest honey hope "
    "host hot household housing huge human hunt hybrid idea ideal identity ignore illness impact implement import "
    "importance important improve improvement incident increase independent index industrial industry infection "
    "influence inform infrastructure initiative injury inner innovation inside insight inspection installation "
    "instance instant institution instruction insulin insurance intake intellectual intelligence intend intensity "
    "interaction interior internal internet interview invention inventory invest investor invite issue itinerary "
    "jacket jail join joint journal journey judgment juice jump junior jury justice keep keyboard kick kind kinetic "
    "kitchen knife knowledge lab labor lack lady lake land landmark landscape laptop laser late latitude launch layer "
    "lead leader leadership leaf leak learn learning lease leave lecture left leg legend length letter liability "
    "library license life lift likely limited link liquid listen listing literature little live living load local "
    "lock log logic long longitude lose lot love luggage lunch lung luxury machine magazine magic magnitude mail "
    "mainstream maintain maintenance major majority male mall man manage management manner manual manufacture margin "
    "marine mark marketing marriage massive master mate maths mathematical matter mayor meaning mechanic mechanism "
    "media melting member membership memory mental mention menu merge method metro microphone microscope midnight "
    "migration mile military mind mineral mirror miss missing mission mistake mixed mobile moderate modern modify "
    "module molecular moment monitor monster moon moral morning mother motion motor mouse mouth move movement "
    "multiple multiply muscle mutation mutual narrative narrow nation native nature navigate navigation near "
    "necessary neck negative neighbor neighborhood nerve net neural neutral news newspaper nice night noise nominal "
    "normalize northern nose notable notice notification novel nuclear null nurse nutrition nutritional object "
    "objective observe occupation occur odd offer officer official oil online onset opera operate operation opinion "
    "opponent opportunity opposite optical orange orchestra ordinary organ organism organization original other "
    "outcome outdoor outfit overall overnight owner ownership oxygen pace pack pain pair palette panel parallel park "
    "parking part particle partner party pass passenger past patch patent pattern pause peace peak penalty penny "
    "people percentage perfect performance performer permission permit personal personality perspective pet phase "
    "phenotype philosophy photograph photography photosynthesis phrase physical pick picture pilot pitch pixel "
    "placement plain plane plastic plate platform playoff pleasure plot plug plus pocket poem poet poetry point poker "
    "policy political politics poll pollution pool poor pop port portion portrait position possession possible post "
    "potential potentially practice precipitation precision prediction presence present presidential press previous "
    "primary prime print printer prior private prize probably problem procedure process produce production "
    "professional professor program programming progress projected projection promise promote promotion proof proper "
    "property proportion proposal protect protection proton province public publication published publisher pull "
    "pulse purchase pure purpose push pyramid quality quarter quarterly quarterback question queue quick quiet quiz "
    "quote race racing radiation radio rail railway rain raise random rapid rare raw ray reach react reaction reader "
    "reading ready real realistic reality reason rebound receipt receive recipient recognize recommendation "
    "recommended recovery recycle reduce reduction reference reflect refund region register registration regular "
    "regulation relation relationship relative release relevant religious remain remember remote renewable rental "
    "repeat replace reply reporter represent representation representative reproduce request require requirement "
    "rescue research reservation reset resident resolution resolve resource respond response responsible rest restore "
    "restriction retail retire retirement retrieval reveal reverse revolution reward rhythm rich ride right ring rise "
    "risky road rock role roll romantic roommate rotate rotation round router routine royal royalty rule runner rural "
    "safe safety sail sale salmon salt sanctuary sand satisfaction save saving scene scenic schema scholarship scope "
    "score scientific scientist screen script sculptor search seasonal second secret section sector secure security "
    "segment select selection self seller send senior sense sensitive sentiment separate serial serious server "
    "service serving session setting settle setup several severity shape share sharp shelf shelter shift shine "
    "shipping shoot shopping shortest show shuffle side sight signature significant silent similar similarity simple "
    "simulation single sister site situation skin sky sleep slice slow smart smoke smooth social society soft "
    "software solar soldier solo somebody someone something soon sort sound south southern space spatial speaker "
    "specialist spectrum speech spell spend spending spin spirit split spot spread spring stadium staff stage stand "
    "standing start startup state statement static station statistic statistical statistics stay steady steal steel "
    "stellar step still stomach stone stop storage store story straight strange strategy stream street strength "
    "stress stretch strike string strong structural structure struggle studio study stuff style submission substance "
    "subtract suburb success successful sudden suffer sugar suggest suggestion suitable summary summer sun super "
    "supply support supposed supreme surgery surprise suspect sustainable swap sweet swim switch symbol symphony "
    "system tag tail tale talent talk tall tank tariff taste team tear technical technique technology teen telephone "
    "television temple temporary tennis tension terminal terms territory text theater theft themed theoretical theory "
    "thermostat thick thing think third thought thread threat ticker tide tight tile timber timeline timer tiny tip "
    "tissue title toast today tone tool tooth top topic torch touch tour tourist tower toy trace tracker trade "
    "tradition traditional trail trainer transaction transcript transfer transform transit transition transport "
    "transportation travel treat treaty trend trial tribe trick trigger trillion trouble truck trust truth try turn "
    "tutor twin twist two type typical ultimate uncle under understand understanding uniform union unique universe "
    "university unknown until update upgrade upward urban urgent usage useful usual utility vacation vaccine vacuum "
    "vague valid validation variable variant variation variety vehicle vendor venue version versus vertical very "
    "veteran via victory video view viewer village violence virtual visible vision visit visitor visual vital vitamin "
    "vocabulary voice volcano volunteer voyage wage wait walk wallet want ward warehouse warm warning warranty wash "
    "waste watch watering wave way weak wealth weapon wear website wedding weekend welcome welfare west western wheel "
    "white whole wildlife willing win window wine wing winner winning winter wire wireless wise wish witness woman "
    "wonder wooden work worker working world worth write writer wrong yard yearly yellow yield young youth zip zone "
    "zoo"
)
"""More words, for names and texts of every kind."""

PREFIXES = _words(
    "re un in im inter over sub trans con com pro pre de dis ex en mis non bio geo hydro micro multi auto anti co"
)
STEMS = _words(
    "port struct form scrib dict spect tract duc fer gress ject mit pel plic pos press rupt sent serv sist solv spir "
    "sta sult sum tain tend tort vert vis voc volv cap cede ceive cept cid cis claim clud cord cre cred cur cycl dem "
    "doc dom fac fect fict fin fix flect flex flu frag fuse gen gnos grad graph greg hab her junct lat lect leg log "
    "loc luc magn man mand mater mechan mem ment merg migr mob mon morph mort mov nat nav neur nom norm not nov numer "
    "oper opt ord organ part pass path ped pend phon photo phys plan plen popul prim prob psych publ quer rad reg riv "
    "rod rot sal san sci sec sens sequ sign sim sol son soph spec stat stell strict tact techn temp terr therm tors "
    "turb typ urb val van ven vid viv volt"
)
SUFFIXES = _words(
    "tion tions ment ments ize izes ized ing ed er ers ness able ible ical ity ities al ally ance ence ant ent ary "
    "ory ate ates ated ation ations ator ic ics ify ified ish ism ist ists ive ively ous ly ure or sion ship ward y "
    "ies e es is us um a o"
)
"""Parts that words of many languages are made of."""

SYLLABLES_START = _words("b br c ch cl d dr f fl g gr h j k kr l m n p pl pr qu r s sh sk sl st t th tr v w z bl gl")
SYLLABLES_MIDDLE = _words("a e i o u ai ea ee ou oa ie y")
SYLLABLES_END = (*_words("n r s t l m d k x nd rt st ck sh th ng p v z"), "", "", "", "", "")
